import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import type { Gateway } from '../../src/gateway/gateway.ts';
import { startBackend } from '../support/backend.ts';
import { startCutProxy } from '../support/cut-proxy.ts';
import { fetchTls, startTestGateway } from '../support/gateway.ts';
import { until } from '../support/until.ts';

/** A backend is found to be down soon; how long it may be silent in an exchange is left as it is: long. */
const CHECKS = {
  PORTAL_HEALTH_PATH: '/check',
  HEALTH_INTERVAL: '50ms',
  HEALTH_TIMEOUT: '300ms',
  HEALTH_FALL: '2',
};

async function untilOneIsDown({ addresses }: Gateway): Promise<void> {
  const { address, port } = addresses.admin!;
  await until('one of the backends is down', async () => {
    const state = await fetch(`http://${address}:${port}/api/state`);
    return (await state.text()).includes('"health":"down"');
  });
}

test('what waits for a backend that has fallen silent is asked of another one where that is safe', async (t) => {
  let held = 0;
  const silent = await startBackend(t, (req, res) => {
    if (req.url === '/check') res.end();
    else held += 1;
  });
  const way = await startCutProxy(t, Number(new URL(silent.url).port));
  const alive = await startBackend(t, (_req, res) => void res.end('alive'));
  const gateway = await startTestGateway(t, {
    ...CHECKS,
    PORTAL_BACKENDS: `http://${way.address} name=silent weight=100,${alive.url} name=alive weight=1`,
  });
  const { port } = gateway.addresses.portal!;
  const get = fetchTls(port, '/x');
  let posted = false;
  const post = fetchTls(port, '/x', { method: 'POST', body: 'order=1' });
  post.then(
    () => (posted = true),
    () => {},
  );
  await until('both are with the silent one', () => held === 2);
  way.cut();
  const answer = await get;
  assert.deepEqual([answer.status, answer.body], [200, 'alive']);
  // An order may have been carried out: nobody but its own backend is asked.
  assert.equal(posted, false);
  assert.deepEqual(
    alive.requests.filter(({ url }) => url === '/x').map(({ method }) => method),
    ['GET'],
  );
});

test('a backend that is down because it says so answers what it has', async (t) => {
  const held: ServerResponse[] = [];
  let well = true;
  const leaving = await startBackend(t, (req, res) => {
    if (req.url === '/check') res.writeHead(well ? 200 : 503).end();
    else held.push(res);
  });
  const alive = await startBackend(t, (_req, res) => void res.end('alive'));
  const gateway = await startTestGateway(t, {
    ...CHECKS,
    PORTAL_BACKENDS: `${leaving.url} name=leaving weight=100,${alive.url} name=alive weight=1`,
  });
  const { port } = gateway.addresses.portal!;
  const get = fetchTls(port, '/x');
  await until('it is with the one that leaves', () => held.length === 1);
  well = false;
  await untilOneIsDown(gateway);
  held[0]!.end('at last');
  assert.equal((await get).body, 'at last');
});

test('without another backend what waits goes on waiting for the one that fell silent', async (t) => {
  const held: ServerResponse[] = [];
  let well = true;
  const only = await startBackend(t, (req, res) => {
    if (req.url !== '/check') held.push(res);
    // Otherwise nothing: it stands still.
    else if (well) res.end();
  });
  const gateway = await startTestGateway(t, { ...CHECKS, PORTAL_BACKENDS: only.url });
  const { port } = gateway.addresses.portal!;
  const get = fetchTls(port, '/x');
  await until('it is with the backend', () => held.length === 1);
  well = false;
  await untilOneIsDown(gateway);
  held[0]!.end('at last');
  assert.equal((await get).body, 'at last');
});
