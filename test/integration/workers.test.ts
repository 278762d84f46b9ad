import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import type { GatewayState } from '../../src/admin/state.ts';
import { parseConfig } from '../../src/config.ts';
import { startGateway } from '../../src/gateway/gateway.ts';
import { startBackend } from '../support/backend.ts';
import { dashgateCommand } from '../support/command.ts';
import { fetchTls, gatewaySettings } from '../support/gateway.ts';
import {
  type GatewayProcess,
  killIfThere,
  startGatewayProcess,
} from '../support/gateway-process.ts';
import { recordingLogger } from '../support/log.ts';
import { isRunning } from '../support/processes.ts';
import { startLoad } from '../support/steady-load.ts';
import { openTls } from '../support/tls-client.ts';
import { until } from '../support/until.ts';
import { openWebSocket, startWebSocketBackend } from '../support/websocket.ts';

/** A request on a connection of its own over TLS, whose connection is there before it is asked. */
async function openPlainTls(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port });
  await once(socket, 'connect');
  return socket;
}

/** Whether connections to a port of 127.0.0.1 are refused. */
function isRefused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', () => resolve(true));
  });
}

/** Resolves with the status of an answer to a request over TLS on a connection. */
async function askOn(raw: Socket): Promise<string> {
  const tls = connectTls({ socket: raw, rejectUnauthorized: false });
  tls.write('GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  const chunks: Buffer[] = [];
  for await (const chunk of tls) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('latin1').split('\r\n', 1)[0]!;
}

/** Resolves when two workers serve, none of which is one of these. */
async function replaced(gateway: GatewayProcess, gone: readonly number[]): Promise<void> {
  await until('two workers serve', async () => {
    const relays = await gateway.relays();
    return (
      relays.length === 2 &&
      relays.every(({ pid, state }) => state === 'serving' && !gone.includes(pid))
    );
  });
}

describe('a gateway with two workers', () => {
  test('serves from both, checks each backend once, and counts them together', async (t) => {
    let checks = 0;
    const backend = await startBackend(t);
    backend.server.on('request', ({ url }) => {
      checks += url === '/health' ? 1 : 0;
    });
    const gateway = await startGatewayProcess(t, {
      PORTAL_BACKENDS: `${backend.url} name=one`,
      HEALTH_INTERVAL: '200ms',
    });
    const started = performance.now();
    const before = checks;
    for (let i = 0; i < 40; i++)
      assert.equal((await fetchTls(gateway.port('portal'), '/x')).status, 200);
    const most = (performance.now() - started) / 200 + 2;
    assert.ok(
      checks - before <= most,
      `${checks - before} checks; one checker makes ${most} at most`,
    );
    const pids = new Set(gateway.logged('request').map(({ pid }) => pid));
    assert.equal(pids.size, 2, 'both have logged requests');
    const { services, workers } = await gateway.state();
    assert.equal(services[0]?.backends[0]?.claimed, 40);
    assert.deepEqual(new Set(workers.map(({ pid }) => pid)), pids);
  });

  test('replaces one that is killed, and only its own connections are lost', async (t) => {
    const backend = await startBackend(t);
    const novnc = await startWebSocketBackend(t, 'one');
    const gateway = await startGatewayProcess(t, {
      PORTAL_BACKENDS: backend.url,
      CONSOLE_LISTEN: '127.0.0.1:0',
      CONSOLE_BACKENDS: novnc.url,
      CONSOLE_HEALTH_PATH: '/',
    });
    const load = await startLoad(t, {
      portal: gateway.port('portal'),
      console: gateway.port('console'),
      lanes: 4,
      tunnels: 24,
    });
    for (const slot of [0, 1]) {
      const [victim, other] = (await gateway.relays()).sort((a) => (a.slot === slot ? -1 : 1));
      const cutBefore = load.cut;
      const failedBefore = load.failures.length;
      const killedAt = Date.now();
      process.kill(victim!.pid, 'SIGKILL');
      await replaced(gateway, [victim!.pid]);
      // On a host with nothing else to do: well under a second.
      t.diagnostic(`replaced after ${Date.now() - killedAt} ms`);
      await until('what was lost is seen', () => load.cut - cutBefore >= victim!.tunnels);
      assert.equal(load.cut - cutBefore, victim!.tunnels, 'its tunnels');
      const failed = load.failures.length - failedBefore;
      assert.ok(failed <= victim!.connections - victim!.tunnels + 8, `${failed} requests failed`);
      const still = (await gateway.relays()).find(({ pid }) => pid === other!.pid);
      assert.equal(still?.tunnels, other!.tunnels, 'the other one has kept its own');
      assert.equal(still?.restarts, slot === 0 ? 0 : 1);
    }
    await load.stop();
    assert.deepEqual(
      load.failures.filter((failure) => failure === 'ECONNREFUSED'),
      [],
    );
    assert.equal(gateway.logged('a worker died; another one takes its place').length, 2);
  });

  test('loses no connection that waits in the queue of a worker that is killed', async (t) => {
    const backend = await startBackend(t);
    const gateway = await startGatewayProcess(t, { PORTAL_BACKENDS: backend.url });
    const relays = await gateway.relays();
    // They do not accept any more, so whoever comes waits in the queue of one of them.
    for (const { pid } of relays) process.kill(pid, 'SIGSTOP');
    const waiting = await Promise.all(
      Array.from({ length: 40 }, () => openPlainTls(gateway.port('portal'))),
    );
    for (const { pid } of relays) process.kill(pid, 'SIGKILL');
    const answers = await Promise.all(waiting.map(askOn));
    assert.deepEqual(new Set(answers), new Set(['HTTP/1.1 200 OK']));
  });

  test('pauses longer and longer where workers die again and again, and tells', async (t) => {
    const backend = await startBackend(t);
    const gateway = await startGatewayProcess(t, { PORTAL_BACKENDS: backend.url });
    const [victim, other] = await gateway.relays();
    let last = victim!.pid;
    killIfThere(last);
    await until(
      'it is told',
      async () => {
        const present = (await gateway.relays()).find(({ slot }) => slot === victim!.slot);
        if (present && present.pid !== 0 && present.pid !== last) {
          last = present.pid;
          killIfThere(last);
        }
        return gateway.logged('workers die again and again').length >= 2;
      },
      30_000,
    );
    const pauses = gateway
      .logged('a worker died; another one takes its place')
      .map(({ pauseMs }) => pauseMs);
    assert.deepEqual(pauses.slice(0, 5), [0, 100, 200, 400, 800]);
    const state = (await gateway.state()).workers.find(({ slot }) => slot === victim!.slot);
    assert.ok(state!.restarts >= 5);
    assert.ok(state!.deaths >= 4);
    assert.equal(
      (await gateway.relays()).find(({ slot }) => slot === other!.slot)?.pid,
      other!.pid,
    );
    await replaced(gateway, [last]);
  });

  test('whose supervisor is killed takes no more connections, lets what is open end, and is gone', async (t) => {
    const held: (() => void)[] = [];
    const backend = await startBackend(t, (_req, res) => void held.push(() => res.end('finished')));
    const novnc = await startWebSocketBackend(t, 'one');
    const gateway = await startGatewayProcess(t, {
      PORTAL_BACKENDS: backend.url,
      CONSOLE_LISTEN: '127.0.0.1:0',
      CONSOLE_BACKENDS: novnc.url,
      CONSOLE_HEALTH_PATH: '/',
      DRAIN_TIMEOUT: '2s',
    });
    const { socket } = await openWebSocket(t, gateway.port('console'));
    const slow = fetchTls(gateway.port('portal'), '/slow');
    await until('the request is under way', () => held.length === 1);
    const workers = (await gateway.state()).workers.map(({ pid }) => pid);
    gateway.command.child.kill('SIGKILL');
    await until('nothing listens any more', () => isRefused(gateway.port('portal')));
    held[0]!();
    assert.equal((await slow).body, 'finished');
    socket.send('still there');
    const [echo] = await once(socket, 'message');
    assert.equal(String(echo), 'still there');
    await once(socket, 'close');
    await until('the workers are gone', () => !workers.some(isRunning));
  });
});

test('a worker that does not answer is taken to be stuck, killed and replaced', async (t) => {
  const backend = await startBackend(t);
  const { logger, lines } = recordingLogger();
  const config = parseConfig({
    ...(await gatewaySettings(t)),
    PORTAL_BACKENDS: backend.url,
    WORKERS: '1',
  });
  const gateway = await startGateway(config, { logger, timing: { pingMs: 200, mostMissed: 5 } });
  t.after(() => gateway.close());
  const state = async () => {
    const answer = await fetch(`http://127.0.0.1:${gateway.addresses.admin!.port}/api/state`);
    return ((await answer.json()) as GatewayState).workers;
  };
  const [stuck] = await state();
  process.kill(stuck!.pid, 'SIGSTOP');
  await until('it is told', () => lines.some(({ msg }) => msg === 'a worker is stuck'));
  await until(
    'another one serves',
    async () => {
      const [present] = await state();
      return present?.state === 'serving' && present.pid !== stuck!.pid;
    },
    30_000,
  );
  assert.equal((await fetchTls(gateway.addresses.portal!.port, '/x')).status, 200);
});

test('workers share MAX_CONNECTIONS, and each turns away what is beyond its part', async (t) => {
  const backend = await startBackend(t);
  const gateway = await startGatewayProcess(t, {
    PORTAL_BACKENDS: backend.url,
    MAX_CONNECTIONS: '9',
  });
  let secured = 0;
  let closed = 0;
  const clients = Array.from({ length: 60 }, () => {
    const { tls } = openTls(gateway.port('portal'));
    tls.once('secureConnect', () => {
      secured += 1;
    });
    tls.once('close', () => {
      closed += 1;
    });
    return tls;
  });
  await until('each is let in or turned away', () => secured + closed >= clients.length);
  assert.equal(secured, 9);
  for (const client of clients) client.destroy();
});

test('an address where another program listens is not shared with it, whoever runs it', async (t) => {
  const other = createServer();
  t.after(() => other.close());
  // A program of the same user that would share its port with any that asks to.
  other.listen({ port: 0, host: '127.0.0.1', reusePort: true });
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const command = dashgateCommand(t, ['start'], {
    ...(await gatewaySettings(t)),
    PORTAL_LISTEN: `127.0.0.1:${port}`,
    PORTAL_BACKENDS: 'http://127.0.0.1:9',
    WORKERS: '2',
  });
  assert.equal(await command.exit, 69);
  assert.match(command.err(), new RegExp(`PORTAL_LISTEN=127.0.0.1:${port} is in use by another`));
});
