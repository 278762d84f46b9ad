import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, get } from 'node:https';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
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

test('a worker where nobody may wait has its part, however busy the other one is', async (t) => {
  const backend = await startBackend(t, (_req, res) => void setTimeout(() => res.end('ok'), 40));
  const gateway = await startGatewayProcess(t, {
    PORTAL_BACKENDS: `${backend.url} maxconn=2`,
    QUEUE_LIMIT: '1',
  });
  const ask = async (agent: Agent): Promise<number> => {
    const url = `https://127.0.0.1:${gateway.port('portal')}/x`;
    const [answer] = await once(get(url, { agent, rejectUnauthorized: false }), 'response');
    answer.resume();
    await once(answer, 'end');
    return answer.statusCode;
  };
  const connections = async () => (await gateway.relays()).map((worker) => worker.connections);
  /** Clients by the worker that accepted their connection. */
  const clients: [Agent[], Agent[]] = [[], []];
  t.after(() => {
    for (const agent of clients.flat()) agent.destroy();
  });
  while (clients[0].length < 4 || clients[1].length < 1) {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const [before] = await connections();
    await ask(agent);
    const [after] = await connections();
    clients[after! > before! ? 0 : 1].push(agent);
  }
  const busy = Promise.all(
    clients[0].map(async (agent) => {
      for (let asked = 0; asked < 140; asked++) {
        if ((await ask(agent)) !== 200) await delay(1);
      }
    }),
  );
  const answers: number[] = [];
  for (let asked = 0; asked < 20; asked++) {
    answers.push(await ask(clients[1][0]!));
    await delay(150);
  }
  assert.ok(answers.filter((status) => status === 200).length >= 10, answers.join(' '));
  await busy;
});
