import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { SCREEN, startConsoles, startTerminal, TOKEN } from '../horizon/lab/consoles.ts';
import { startGateway } from '../horizon/lab/gateway.ts';
import { Programs } from '../horizon/lab/program.ts';
import { openBrowser } from '../support/browser.ts';

const IDLE_MS = 600_000;
/** Something may stir in between, after which the ten minutes begin anew. */
const LONGEST_MS = 840_000;

/** How much of the screen is white: all of it while nothing runs on it. */
const WHITE = `(() => {
  const canvas = document.querySelector('canvas[width="${SCREEN.width}"]');
  if (!canvas) return 0;
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let white = 0;
  for (let i = 0; i < data.length; i += 4) if (data[i] + data[i + 1] + data[i + 2] === 765) white += 1;
  return white / (data.length / 4);
})()`;

test('a real console on which nothing happens for ten minutes is not cut, and goes on', async (t) => {
  const programs = await Programs.open(t);
  const consoles = await startConsoles(programs);
  const portal = createServer((_request, response) => response.end('ok')).listen(0, '127.0.0.1');
  await once(portal, 'listening');
  t.after(() => portal.close().closeAllConnections());
  const gateway = await startGateway(programs, 'gateway', {
    portal: [`http://127.0.0.1:${(portal.address() as AddressInfo).port}`],
    portalHealthPath: '/',
    console: consoles.urls,
    memcached: ['127.0.0.1:9'],
  });
  const browser = await openBrowser(t);
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  let lastFrame = 0;
  let closed = false;
  page.on('websocket', (socket) => {
    socket.on('framereceived', () => {
      lastFrame = performance.now();
    });
    socket.on('framesent', () => {
      lastFrame = performance.now();
    });
    socket.on('close', () => {
      closed = true;
    });
  });
  const path = encodeURIComponent(`websockify?token=${TOKEN}`);
  await page.goto(`${gateway.console}/vnc_lite.html?path=${path}`);
  await page.waitForFunction(`${WHITE} > 0.99`);

  const deadline = performance.now() + LONGEST_MS;
  const silence = () => performance.now() - lastFrame;
  while (silence() < IDLE_MS && performance.now() < deadline) await delay(IDLE_MS - silence());
  assert.ok(silence() >= IDLE_MS, `something stirred all the time, last ${silence()} ms ago`);
  assert.equal(closed, false);

  await startTerminal(programs, consoles.display);
  await page.waitForFunction(`${WHITE} < 0.99`);
  assert.equal(closed, false);
});
