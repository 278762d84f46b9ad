import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { startGatewayProcess } from '../support/gateway-process.ts';
import { startLoad } from '../support/steady-load.ts';
import { until } from '../support/until.ts';
import { startWebSocketBackend } from '../support/websocket.ts';

const RELOADS = 20;
const TUNNELS = 20;

test('twenty reloads in a row fail no request, refuse no connection and cut no websocket', async (t) => {
  const backend = await startBackend(t);
  const novnc = await startWebSocketBackend(t, 'one');
  const gateway = await startGatewayProcess(t, {
    PORTAL_BACKENDS: `${backend.url} name=a`,
    CONSOLE_LISTEN: '127.0.0.1:0',
    CONSOLE_BACKENDS: novnc.url,
    CONSOLE_HEALTH_PATH: '/',
    DRAIN_TIMEOUT: '10m',
  });
  const load = await startLoad(t, {
    portal: gateway.port('portal'),
    console: gateway.port('console'),
    lanes: 6,
    tunnels: TUNNELS,
  });
  for (let i = 0; i < RELOADS; i++) {
    const told = await gateway.reload({ PORTAL_BACKENDS: `${backend.url} name=${i}` });
    assert.equal(told.msg, 'the configuration was read anew', String(told.detail));
    assert.equal((await gateway.state()).services[0]?.backends[0]?.name, String(i));
  }
  const { answered, echoes } = load;
  await until('the load goes on', () => load.answered > answered + 50 && load.echoes > echoes + 50);
  const { workers, services } = await gateway.state();
  assert.equal(services[1]?.tunnels, TUNNELS);
  // Those that have nothing left have ended; the first ones have the websockets.
  const holders = workers.filter(({ tunnels }) => tunnels > 0);
  assert.ok(holders.length <= 2 && holders.every(({ state }) => state === 'draining'));
  await load.stop();
  const downs = gateway.logged('backend is down').map(({ detail }) => detail);
  assert.deepEqual(load.failures, [], `backends were down: ${downs.join('; ')}`);
  assert.equal(load.cut, 0);
});
