import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { startBackend } from '../support/backend.ts';
import { dashgateCommand, printed } from '../support/command.ts';
import { freePorts } from '../support/free-port.ts';
import { gatewaySettings } from '../support/gateway.ts';
import { leaveTls, openTls } from '../support/tls-client.ts';
import { until } from '../support/until.ts';
import { startWebSocketBackend } from '../support/websocket.ts';
import { readAnswer } from './answer.ts';

const LANES = 24;
const TUNNELS = 20;
/** How long the backend takes for an answer, so that some are always under way. */
const WORK_MS = 60;
const SHUTDOWN_MS = 5_000;

test('a gateway that is told to stop under load answers all that it has passed on, and ends', async (t) => {
  const arrived = new Set<string>();
  const backend = await startBackend(t, async (req, res) => {
    arrived.add(req.url!);
    await delay(WORK_MS);
    res.end('done');
  });
  const novnc = await startWebSocketBackend(t, 'one');
  const [portal, console, admin] = (await freePorts(3)) as [number, number, number];
  const command = dashgateCommand(t, ['start'], {
    ...(await gatewaySettings(t)),
    PORTAL_LISTEN: `127.0.0.1:${portal}`,
    PORTAL_BACKENDS: backend.url,
    CONSOLE_LISTEN: `127.0.0.1:${console}`,
    CONSOLE_BACKENDS: novnc.url,
    CONSOLE_HEALTH_PATH: '/',
    ADMIN_LISTEN: `127.0.0.1:${admin}`,
    SHUTDOWN_TIMEOUT: `${SHUTDOWN_MS}ms`,
  });
  await printed(command, '"listener":"admin"');

  const answered = new Set<string>();
  const lost: string[] = [];
  let asked = 0;
  /** Asks one thing after the other, on one connection as long as it lasts, until none comes about. */
  const lane = async () => {
    while (await visit(portal, () => `/${asked++}`, answered, lost));
  };
  const lanes = Array.from({ length: LANES }, lane);
  const tunnels = Array.from({ length: TUNNELS }, () => {
    const socket = new WebSocket(`wss://127.0.0.1:${console}/websockify?token=t`, {
      rejectUnauthorized: false,
    });
    t.after(() => socket.terminate());
    socket.on('error', () => {});
    socket.on('message', (data) => socket.send(data));
    return socket;
  });
  await until('the tunnels echo', () => tunnels.every((socket) => socket.readyState === 1));
  await until('the portal works', () => answered.size > 10 * LANES);

  const before = answered.size;
  const started = performance.now();
  command.child.kill('SIGTERM');
  assert.equal(await command.exit, 0, command.err());
  const ms = performance.now() - started;
  await Promise.all(lanes);
  await Promise.all(
    tunnels.map((socket) => socket.readyState === WebSocket.CLOSED || once(socket, 'close')),
  );
  const unanswered = lost.filter((path) => arrived.has(path));
  assert.deepEqual(unanswered, [], 'these had reached the backend');
  assert.ok(answered.size > before, 'requests were under way');
  assert.ok(ms < SHUTDOWN_MS, `it took ${Math.round(ms)} ms`);
});

/**
 * One connection of a client; false where it does not come about, so the gateway is gone. What was
 * asked on it is either answered or lost.
 */
async function visit(
  port: number,
  nextPath: () => string,
  answered: Set<string>,
  lost: string[],
): Promise<boolean> {
  const connection = openTls(port);
  const { tls } = connection;
  let text = '';
  let path = '';
  const ask = () => {
    text = '';
    path = nextPath();
    tls.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  };
  let secured = false;
  tls.once('secureConnect', () => {
    secured = true;
    ask();
  });
  tls.on('data', (chunk) => {
    text += chunk.toString('latin1');
    const answer = readAnswer(text, 'GET');
    if (!answer) return;
    if (answer.status === 200) answered.add(path);
    else lost.push(path);
    path = '';
    if (answer.keepAlive) ask();
    else leaveTls(connection, 'close');
  });
  await new Promise((resolve) => tls.once('close', resolve));
  if (path) lost.push(path);
  return secured;
}
