import assert from 'node:assert/strict';
import { test } from 'node:test';
import supertest from 'supertest';
import { adminApp } from '../../src/admin/admin.ts';
import type { GatewayState } from '../../src/admin/state.ts';
import { dashgate } from '../../src/middleware/dashgate.ts';
import { startBackend } from '../support/backend.ts';
import { until } from '../support/until.ts';

test('readiness follows the backends, health does not', async (t) => {
  const backend = await startBackend(t);
  const gate = dashgate({
    service: 'portal',
    backends: [backend.url],
    health: { path: '/health', intervalMs: 20, rise: 1, fall: 1 },
  });
  t.after(() => gate.close());
  const stopping = false;
  const cluster = { ping: async () => new Map() };
  const app = adminApp({
    services: () => [gate],
    cluster: () => cluster,
    isStopping: () => stopping,
  });
  await gate.checked;
  await supertest(app).get('/readyz').expect(200, 'ready\n');
  await backend.kill();
  await until('it is not ready', async () => (await supertest(app).get('/readyz')).status === 503);
  await supertest(app).get('/healthz').expect(200, 'ok\n');
  await backend.revive();
  await until(
    'it is ready again',
    async () => (await supertest(app).get('/readyz')).status === 200,
  );
});

test('state and status page tell of services, backends, checks and nodes', async (t) => {
  const backend = await startBackend(t);
  const gate = dashgate({
    service: 'portal',
    backends: [`${backend.url} weight=3 maxconn=7 name=one`, 'http://127.0.0.1:9 backup name=two'],
    health: { path: '/health', intervalMs: 60_000 },
  });
  t.after(() => gate.close());
  await gate.checked;
  const cluster = {
    ping: async () =>
      new Map([
        ['10.0.0.1:11211', { version: '1.6.18' }],
        ['10.0.0.2:11211', { error: new Error('refused <b>') }],
      ]),
  };
  const app = adminApp({
    services: () => [gate],
    cluster: () => cluster,
    isStopping: () => false,
  });
  const { body } = await supertest(app).get('/api/state').expect(200);
  const state = body as GatewayState;
  assert.equal(state.ready, true);
  const [one, two] = state.services[0]!.backends;
  assert.deepEqual([one?.name, one?.health, one?.weight, one?.maxconn], ['one', 'up', 3, 7]);
  assert.deepEqual([two?.name, two?.health, two?.backup], ['two', 'down', true]);
  assert.equal(one?.lastCheck?.detail, 'GET /health gave 200');
  assert.match(two?.lastCheck?.detail ?? '', /ECONNREFUSED/);
  assert.deepEqual(
    state.memcached.map((node) => node.state),
    ['up', 'down'],
  );

  const page = await supertest(app).get('/').expect(200).expect('content-type', /html/);
  for (const text of ['portal', 'one', 'two', 'GET /health gave 200', '10.0.0.1:11211', '1.6.18']) {
    assert.ok(page.text.includes(text), text);
  }
  assert.ok(page.text.includes('refused &lt;b&gt;'));
  assert.match(page.headers['content-security-policy']!, /default-src 'self'/);
});
