import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WebSocket } from 'ws';
import { startBackend } from '../support/backend.ts';
import { startGatewayProcess } from '../support/gateway-process.ts';
import { until } from '../support/until.ts';
import { openWebSocket, startWebSocketBackend } from '../support/websocket.ts';

const MOST = 6;

test('one worker has all that a backend takes while the other ones need nothing of it', async (t) => {
  const backend = await startBackend(t);
  const novnc = await startWebSocketBackend(t, 'one');
  const gateway = await startGatewayProcess(t, {
    PORTAL_BACKENDS: backend.url,
    CONSOLE_LISTEN: '127.0.0.1:0',
    CONSOLE_BACKENDS: `${novnc.url} maxconn=${MOST}`,
    CONSOLE_HEALTH_PATH: '/',
    QUEUE_TIMEOUT: '2s',
  });
  const tunnels = async () => (await gateway.relays()).map((worker) => worker.tunnels);
  const open = () => openWebSocket(t, gateway.port('console'));

  /** Opens tunnels until a worker has all; those that come to the other one end. */
  const fill = async (worker: number): Promise<WebSocket[]> => {
    const kept: WebSocket[] = [];
    while (kept.length < MOST) {
      const { socket } = await open();
      if ((await tunnels())[worker] === kept.length + 1) {
        kept.push(socket);
        continue;
      }
      socket.terminate();
      await until('it is told', async () => (await tunnels())[1 - worker] === 0);
    }
    return kept;
  };
  const first = await fill(0);
  assert.deepEqual(await tunnels(), [MOST, 0]);
  await assert.rejects(open(), /503/, 'none is left');
  for (const socket of first) socket.terminate();
  await until('all have ended', async () => (await tunnels())[0] === 0);
  await fill(1);
  assert.deepEqual(await tunnels(), [0, MOST], 'it goes back');
});
