import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { freePorts } from '../support/free-port.ts';
import { fetchTls } from '../support/gateway.ts';
import { startGatewayProcess } from '../support/gateway-process.ts';
import { startLoad } from '../support/steady-load.ts';
import { visit } from '../support/tls-visit.ts';
import { until } from '../support/until.ts';
import { openWebSocket, startWebSocketBackend } from '../support/websocket.ts';

const RELOADS = 3;

/** A gateway with portal and console, under a load of both. */
async function startUnderLoad(t: TestContext) {
  const backend = await startBackend(t);
  const novnc = await startWebSocketBackend(t, 'one');
  const gateway = await startGatewayProcess(t, {
    PORTAL_BACKENDS: backend.url,
    CONSOLE_LISTEN: '127.0.0.1:0',
    CONSOLE_BACKENDS: novnc.url,
    CONSOLE_HEALTH_PATH: '/',
  });
  const ports = { portal: gateway.port('portal'), console: gateway.port('console') };
  return { gateway, load: await startLoad(t, { ...ports, lanes: 4, tunnels: 8 }) };
}

describe('a reload', () => {
  test('fails no request, refuses no connection and cuts no websocket, and other workers serve', async (t) => {
    const { gateway, load } = await startUnderLoad(t);
    const before = (await gateway.relays()).map(({ pid }) => pid);
    for (let i = 0; i < RELOADS; i++) {
      const told = await gateway.reload();
      assert.equal(told.msg, 'the configuration was read anew', String(told.detail));
    }
    const { answered, echoes } = load;
    await until(
      'the load goes on',
      () => load.answered > answered + 50 && load.echoes > echoes + 50,
    );
    const after = (await gateway.relays()).map(({ pid }) => pid);
    assert.ok(after.every((pid) => !before.includes(pid)));
    const { workers, services } = await gateway.state();
    const tunnels = workers.reduce((sum, worker) => sum + worker.tunnels, 0);
    assert.deepEqual(
      [tunnels, services[1]?.tunnels],
      [8, 8],
      'those of the workers that drain, too',
    );
    await load.stop();
    assert.deepEqual(load.failures, []);
    assert.equal(load.cut, 0);
  });

  test('of a configuration that will not do changes nothing, and lists all that is wrong', async (t) => {
    const backend = await startBackend(t);
    const gateway = await startGatewayProcess(t, { PORTAL_BACKENDS: backend.url });
    const pids = (await gateway.relays()).map(({ pid }) => pid);
    const told = await gateway.reload({
      RETRIES: 'many',
      PORTAL_BACKENDS: 'ftp://a',
      TLS_KEY: '/none',
    });
    assert.equal(told.msg, 'the configuration stays as it was');
    for (const name of ['RETRIES', 'PORTAL_BACKENDS', 'TLS_KEY']) {
      assert.match(String(told.detail), new RegExp(`^ {2}${name}=`, 'm'));
    }
    assert.deepEqual(
      (await gateway.relays()).map(({ pid }) => pid),
      pids,
    );
    assert.equal((await fetchTls(gateway.port('portal'), '/x')).status, 200);
  });

  test('moves to another address only when that is bound, and else stays', async (t) => {
    const backend = await startBackend(t);
    const taken = createServer().listen(0, '127.0.0.1');
    t.after(() => taken.close());
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    const gateway = await startGatewayProcess(t, { PORTAL_BACKENDS: backend.url });
    const first = gateway.port('portal');
    const told = await gateway.reload({ PORTAL_LISTEN: `127.0.0.1:${port}` });
    assert.equal(told.msg, 'the configuration stays as it was');
    assert.match(
      String(told.detail),
      /PORTAL_LISTEN=127\.0\.0\.1:\d+ is in use by another program/,
    );
    assert.equal((await fetchTls(first, '/x')).status, 200);

    const [free, admin] = await freePorts(2);
    const changes = { PORTAL_LISTEN: `127.0.0.1:${free}`, ADMIN_LISTEN: `127.0.0.1:${admin}` };
    assert.equal((await gateway.reload(changes)).msg, 'the configuration was read anew');
    assert.equal((await fetchTls(free!, '/x')).status, 200);
    assert.equal(gateway.port('portal'), free);
    assert.equal((await gateway.state()).ready, true, 'the admin pages have moved as well');
    await assert.rejects(fetchTls(first, '/x'), { code: 'ECONNREFUSED' });
  });

  test('brings and takes away workers and backends, and keeps what is known of those that stay', async (t) => {
    const one = await startBackend(t, (_req, res) => void res.end('one'));
    const two = await startBackend(t, (_req, res) => void res.end('two'));
    const gateway = await startGatewayProcess(t, {
      PORTAL_BACKENDS: `${one.url} name=one`,
      WORKERS: '1',
    });
    await gateway.reload({
      PORTAL_BACKENDS: `${two.url} name=two, ${one.url} name=one`,
      WORKERS: '3',
    });
    assert.equal((await gateway.relays()).length, 3);
    const bodies = new Set<string>();
    await until('both serve', async () => {
      bodies.add((await fetchTls(gateway.port('portal'), '/x')).body);
      return bodies.size === 2;
    });
    await gateway.reload({ PORTAL_BACKENDS: `${two.url} name=two`, WORKERS: '1' });
    assert.equal((await gateway.relays()).length, 1);
    await one.kill();
    for (let i = 0; i < 10; i++) {
      assert.equal((await fetchTls(gateway.port('portal'), '/x')).body, 'two');
    }
    assert.equal((await gateway.reload({ WORKERS: '0' })).msg, 'the configuration stays as it was');
  });

  test('keeps what TLS sessions are resumed by, at whichever worker', async (t) => {
    const backend = await startBackend(t);
    const gateway = await startGatewayProcess(t, { PORTAL_BACKENDS: backend.url });
    let { session } = await visit(gateway.port('portal'));
    for (let i = 0; i < 12; i++) {
      if (i % 6 === 5) await gateway.reload();
      const next = await visit(gateway.port('portal'), session);
      assert.equal(next.resumed, true, `visit ${i}`);
      session = next.session;
    }
    const served = new Set(gateway.logged('request').map(({ pid }) => pid));
    assert.ok(served.size >= 3, `${served.size} workers have served`);
  });
});

test('the leases of a backend are within its maxconn at any number of workers, while a reload drains too', async (t) => {
  const MAXCONN = 5;
  let open = 0;
  let most = 0;
  const novnc = await startWebSocketBackend(t, 'one');
  const backend = await startBackend(t, (req, res) => {
    open += 1;
    most = Math.max(most, open);
    setTimeout(() => {
      open -= 1;
      res.end('done');
    }, 15);
    req.resume();
  });
  const gateway = await startGatewayProcess(t, {
    PORTAL_BACKENDS: `${backend.url} maxconn=${MAXCONN}`,
    CONSOLE_LISTEN: '127.0.0.1:0',
    CONSOLE_BACKENDS: `${novnc.url} maxconn=4`,
    CONSOLE_HEALTH_PATH: '/',
    QUEUE_TIMEOUT: '300ms',
  });
  const load = await startLoad(t, { portal: gateway.port('portal'), lanes: 12 });
  // Each worker may have two of four; the kernel decides who gets how many.
  const opened = await Promise.allSettled(
    Array.from({ length: 12 }, () => openWebSocket(t, gateway.port('console'))),
  );
  const tunnels = opened.filter(({ status }) => status === 'fulfilled').length;
  assert.ok(tunnels >= 2 && tunnels <= 4, `${tunnels} tunnels`);
  await gateway.reload();
  await Promise.allSettled(
    Array.from({ length: 12 }, () => openWebSocket(t, gateway.port('console'))),
  );
  assert.ok(novnc.sockets.size <= 4, `${novnc.sockets.size} tunnels after a reload`);
  await gateway.reload();
  const { answered } = load;
  await until('the load goes on', () => load.answered > answered + 100);
  await load.stop();
  assert.ok(most <= MAXCONN, `${most} at once`);
  assert.equal(most, MAXCONN, 'all of it is used');
});
