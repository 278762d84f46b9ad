import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ServiceManager } from '../../src/systemd/service-manager.ts';
import { startBackend } from '../support/backend.ts';
import { temporaryFolder } from '../support/gateway.ts';
import { killIfThere, startGatewayProcess } from '../support/gateway-process.ts';
import { recordingLogger } from '../support/log.ts';
import { openNotifySocket } from '../support/notify-socket.ts';
import { isRunning } from '../support/processes.ts';
import { until } from '../support/until.ts';

const WATCHDOG_USEC = '600000';

describe('a gateway that systemd has started', () => {
  test('tells when it serves, that it is well, when it reads its configuration anew, and that it stops', async (t) => {
    const NOTIFY_SOCKET = join(temporaryFolder(t), 'notify');
    const socket = await openNotifySocket(t, NOTIFY_SOCKET);
    const backend = await startBackend(t);
    const gateway = await startGatewayProcess(
      t,
      { PORTAL_BACKENDS: backend.url },
      { NOTIFY_SOCKET, WATCHDOG_USEC },
    );
    await socket.told(/^READY=1$/);
    assert.deepEqual(socket.messages[0], ['READY=1'], 'before anything else');
    assert.deepEqual(socket.messages[await socket.told(/^STATUS=/)], [
      'STATUS=serving',
      'WATCHDOG=1',
    ]);
    await socket.told(/^WATCHDOG=1$/, (await socket.told(/^WATCHDOG=1$/)) + 1);

    for (const [changes, outcome] of [
      [{ RETRIES: '2' }, 'the configuration was read anew'],
      [{ RETRIES: 'many' }, 'the configuration stays as it was'],
    ] as const) {
      const from = socket.messages.length;
      const now = process.hrtime.bigint() / 1_000n;
      assert.equal((await gateway.reload(changes)).msg, outcome);
      const reloading = await socket.told(/^RELOADING=1$/, from);
      const since = /^MONOTONIC_USEC=(\d+)$/.exec(socket.messages[reloading]![1]!)![1]!;
      assert.ok(BigInt(since) >= now, 'or systemd takes it for a reload before');
      await socket.told(/^READY=1$/, reloading);
    }

    gateway.command.child.kill('SIGTERM');
    await socket.told(/^STOPPING=1$/);
    assert.equal(await gateway.command.exit, 0);
  });

  test('tells systemd of the process that takes its place, which goes on telling', async (t) => {
    const NOTIFY_SOCKET = `@dashgate-test-${randomUUID()}`;
    const socket = await openNotifySocket(t, NOTIFY_SOCKET);
    let silent = false;
    const backend = await startBackend(t, (_, res) => {
      if (!silent) res.end();
    });
    const gateway = await startGatewayProcess(
      t,
      { PORTAL_BACKENDS: backend.url, PORTAL_HEALTH_PATH: '/slow' },
      { NOTIFY_SOCKET, WATCHDOG_USEC },
    );
    await socket.told(/^READY=1$/);
    silent = true;
    const { child } = gateway.command;
    // Its output goes on in the other one.
    const ended = once(child, 'exit');
    const from = socket.messages.length;
    child.kill('SIGUSR2');
    const taken = await socket.told(/^MAINPID=/, from);
    assert.equal(child.exitCode, null, 'systemd takes the end of the main process for that of all');
    const [{ successor }] = gateway.logged('another process is to take the place of this one') as [
      { successor: number },
    ];
    t.after(() => killIfThere(successor));
    assert.deepEqual(socket.messages[taken], [`MAINPID=${successor}`]);
    assert.deepEqual(await ended, [0, null]);
    await socket.told(/^WATCHDOG=1$/, socket.messages.length);
    const since = socket.messages.slice(taken).flat();
    assert.ok(!since.includes('READY=1'), 'the watchdog does not wait for the checks');
    process.kill(successor, 'SIGTERM');
    await socket.told(/^STOPPING=1$/, taken);
    await until('it ends', () => !isRunning(successor));
    const stops = socket.messages.flat().filter((field) => field === 'STOPPING=1');
    assert.equal(stops.length, 1, 'the service stops once, and not when it is handed over');
  });
});

describe('the service manager', () => {
  const PATH = process.env.PATH!;

  test('is not told that all is well while nobody serves, and of a change of readiness', async (t) => {
    const NOTIFY_SOCKET = join(temporaryFolder(t), 'notify');
    const socket = await openNotifySocket(t, NOTIFY_SOCKET);
    const { logger } = recordingLogger();
    const manager = new ServiceManager({ NOTIFY_SOCKET, WATCHDOG_USEC: '40000', PATH }, logger);
    t.after(() => manager.leave());
    let serving = false;
    let ready = false;
    manager.attend({ isServing: () => serving, isReady: () => ready });
    await socket.told(/^STATUS=listening; a service has no backend that is up and takes work$/);
    ready = true;
    await socket.told(/^STATUS=serving$/);
    assert.ok(!socket.messages.flat().includes('WATCHDOG=1'));
    serving = true;
    await socket.told(/^WATCHDOG=1$/);
  });

  test('that cannot be reached does not keep the gateway from serving, and the log tells why', async (t) => {
    const NOTIFY_SOCKET = join(temporaryFolder(t), 'nobody');
    const { logger, lines } = recordingLogger();
    await new ServiceManager({ NOTIFY_SOCKET, PATH }, logger).ready();
    await new ServiceManager({ NOTIFY_SOCKET, PATH: '/nonexistent' }, logger).ready();
    assert.equal(lines.length, 2);
    for (const line of lines) {
      assert.equal(line.msg, 'the service manager could not be told');
      assert.match(String(line.remedy), /systemd-notify is installed/);
    }
  });

  test('that is about another process has no watchdog for this one', async (t) => {
    const NOTIFY_SOCKET = join(temporaryFolder(t), 'notify');
    const socket = await openNotifySocket(t, NOTIFY_SOCKET);
    const env = { NOTIFY_SOCKET, WATCHDOG_USEC: '40000', WATCHDOG_PID: '1', PATH };
    const manager = new ServiceManager(env, recordingLogger().logger);
    manager.attend({ isServing: () => true, isReady: () => true });
    await manager.stopping();
    assert.deepEqual(socket.messages, [['STATUS=serving'], ['STOPPING=1']]);
  });

  test('hears nothing more from a process whose place another one has taken', async (t) => {
    const NOTIFY_SOCKET = join(temporaryFolder(t), 'notify');
    const socket = await openNotifySocket(t, NOTIFY_SOCKET);
    const manager = new ServiceManager({ NOTIFY_SOCKET, PATH }, recordingLogger().logger);
    await manager.ready();
    manager.leave();
    await manager.stopping();
    await new ServiceManager({ NOTIFY_SOCKET, PATH }, recordingLogger().logger).ready();
    assert.deepEqual(socket.messages, [['READY=1'], ['READY=1']]);
  });
});
