import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import type { GatewayState } from '../../src/admin/state.ts';
import { startBackend } from '../support/backend.ts';
import { fetchTls } from '../support/gateway.ts';
import { startGatewayProcess } from '../support/gateway-process.ts';
import { isRunning } from '../support/processes.ts';
import { startLoad } from '../support/steady-load.ts';
import { until } from '../support/until.ts';
import { openWebSocket, startWebSocketBackend } from '../support/websocket.ts';

const TOKEN = 't'.repeat(32);

describe('SIGUSR2', () => {
  test('replaces every process under load: no request fails, no connection is refused, no websocket is cut', async (t) => {
    const backend = await startBackend(t);
    const novnc = await startWebSocketBackend(t, 'one');
    const gateway = await startGatewayProcess(t, {
      PORTAL_BACKENDS: backend.url,
      CONSOLE_LISTEN: '127.0.0.1:0',
      CONSOLE_BACKENDS: `${novnc.url} maxconn=8`,
      CONSOLE_HEALTH_PATH: '/',
      QUEUE_TIMEOUT: '500ms',
    });
    const { child } = gateway.command;
    const before = (await gateway.state()).workers.map(({ pid }) => pid);
    const console = gateway.port('console');
    const portal = gateway.port('portal');
    const load = await startLoad(t, { portal, console, lanes: 4, tunnels: 4 });
    const { socket } = await openWebSocket(t, console);
    child.kill('SIGUSR2');
    await until(
      'another process serves',
      () => gateway.logged('it serves; this process ends when its clients have').length === 1,
      60_000,
    );
    const [{ successor }] = gateway.logged('another process is to take the place of this one') as [
      { successor: number },
    ];
    const { answered, echoes } = load;
    await until(
      'the load goes on',
      () => load.answered > answered + 50 && load.echoes > echoes + 50,
    );
    await until('the new workers are told of', async () => {
      const { workers } = await gateway.state();
      return workers.length === 2 && workers.every(({ pid }) => !before.includes(pid));
    });
    assert.equal((await gateway.state()).services[1]?.tunnels, 5, 'those of the old ones count');
    await Promise.allSettled(Array.from({ length: 8 }, () => openWebSocket(t, console)));
    assert.ok(novnc.sockets.size <= 8, `${novnc.sockets.size} tunnels to a backend that takes 8`);
    await load.stop();
    assert.deepEqual(load.failures, []);
    assert.equal(load.cut, 0);
    socket.send('still there');
    assert.equal(String((await once(socket, 'message'))[0]), 'still there');

    const ended = once(child, 'exit');
    for (const one of novnc.sockets) one.destroy();
    assert.deepEqual(await ended, [0, null], 'nothing is left for the old one to do');
    assert.ok(!before.some(isRunning));
    assert.equal((await fetchTls(portal, '/x')).status, 200);
    process.kill(successor, 'SIGTERM');
    await until('the new one ends as well', () => !isRunning(successor));
  });

  test('hands over what operators have decided, with no memcached to keep it', async (t) => {
    const one = await startBackend(t, (_req, res) => void res.end('one'));
    const two = await startBackend(t, (_req, res) => void res.end('two'));
    const gateway = await startGatewayProcess(t, {
      PORTAL_BACKENDS: `${one.url} name=one, ${two.url} name=two`,
      ADMIN_TOKEN: TOKEN,
    });
    const decide = async (backend: string, scope: string) => {
      const url = `http://127.0.0.1:${gateway.port('admin')}/api/services/portal/backends/${backend}`;
      const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
      const body = JSON.stringify({
        admin: backend === 'one' ? 'drain' : 'ready',
        weight: 7,
        scope,
      });
      assert.equal((await fetch(url, { method: 'POST', headers, body })).status, 200);
    };
    await decide('one', 'all');
    await decide('two', 'gateway');
    const ended = once(gateway.command.child, 'exit');
    gateway.command.child.kill('SIGUSR2');
    const told = 'it serves; this process ends when its clients have';
    await until('another process serves', () => gateway.logged(told).length === 1, 60_000);
    for (let i = 0; i < 6; i++) {
      assert.equal((await fetchTls(gateway.port('portal'), '/x')).body, 'two');
    }
    await ended;
    const answer = await fetch(`http://127.0.0.1:${gateway.port('admin')}/api/state`, {
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    const { services, shared } = (await answer.json()) as GatewayState;
    assert.deepEqual(
      services[0]!.backends.map(({ adminState, weight }) => [adminState, weight]),
      [
        ['drain', 7],
        ['ready', 7],
      ],
    );
    assert.deepEqual(
      shared!.decisions.map(({ subject, scope }) => [subject, scope]),
      [
        ['portal/one', 'cluster'],
        ['portal/two', 'gateway'],
      ],
    );
  });

  test('changes nothing where the new process cannot serve, and tells why', async (t) => {
    const backend = await startBackend(t);
    const gateway = await startGatewayProcess(t, { PORTAL_BACKENDS: backend.url });
    const pids = (await gateway.relays()).map(({ pid }) => pid);
    await gateway.reload({ RETRIES: 'many' });
    gateway.command.child.kill('SIGUSR2');
    const told = 'no other process could take the place of this one';
    await until('it is told', () => gateway.logged(told).length === 1, 30_000);
    assert.match(String(gateway.logged(told)[0]!.detail), /RETRIES=many is not a whole number/);
    assert.deepEqual(
      (await gateway.relays()).map(({ pid }) => pid),
      pids,
    );
    assert.equal((await fetchTls(gateway.port('portal'), '/x')).status, 200);
    assert.equal((await gateway.reload({ RETRIES: '2' })).msg, 'the configuration was read anew');
  });
});
