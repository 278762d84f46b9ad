import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import WebSocket from 'ws';
import { openPage } from './lab/browser.ts';
import { SCREEN, startConsoles, TOKEN } from './lab/consoles.ts';
import { type Gateway, startGateway } from './lab/gateway.ts';
import { startMemcached } from './lab/memcached.ts';
import { Programs } from './lab/program.ts';
import { Visitor } from './lab/visitor.ts';

const NOVNC = '/usr/share/novnc';
const SOCKET_DEADLINE_MS = 15_000;

test('real noVNC and websockify behind the gateway', async (t) => {
  const programs = await Programs.open(t);
  const [nodes, { urls: consoles }, portal] = await Promise.all([
    startMemcached(programs, 1),
    startConsoles(programs),
    startPlainPortal(t),
  ]);
  const gateway = await startGateway(programs, 'gateway', {
    portal: [portal],
    portalHealthPath: '/',
    console: consoles,
    memcached: nodes.map((node) => node.address),
  });

  await t.test('the pages and scripts of noVNC arrive unchanged over HTTPS', async () => {
    const visitor = new Visitor(gateway.console, gateway.ca);
    for (const file of ['vnc_lite.html', 'vnc.html', 'core/rfb.js', 'app/ui.js']) {
      const answer = await visitor.get(`/${file}`);
      assert.equal(answer.status, 200, file);
      assert.equal(answer.body, await readFile(join(NOVNC, file), 'utf8'), file);
    }
  });

  for (const path of ['/websockify', '/']) {
    for (const protocols of [[], ['binary']]) {
      const offer = protocols.length === 0 ? 'no subprotocol' : `the subprotocol ${protocols}`;
      await t.test(`a console opens on ${path} with ${offer}`, async () => {
        // Twice as many as there are console servers: each of them has to do it.
        for (let n = 0; n < 2 * consoles.length; n += 1) {
          const greeting = await greet(gateway, `${path}?token=${TOKEN}`, protocols);
          assert.deepEqual(greeting, { binary: true, text: 'RFB 003.008\n' });
        }
      });
    }
  }

  for (const query of ['?token=tok-none', '']) {
    const token = query === '' ? 'no token' : 'a wrong token';
    await t.test(`a console with ${token} is closed and shows nothing`, async () => {
      for (let n = 0; n < 2 * consoles.length; n += 1) {
        assert.equal(await greet(gateway, `/websockify${query}`, []), 'closed');
      }
    });
  }

  await t.test('noVNC in a browser draws the screen', async (t) => {
    const { page, complaints } = await openPage(t, gateway.console);
    const path = encodeURIComponent(`websockify?token=${TOKEN}`);
    await page.goto(`${gateway.console}/vnc_lite.html?path=${path}`);
    const canvas = page.locator(`canvas[width="${SCREEN.width}"][height="${SCREEN.height}"]`);
    await canvas.waitFor();
    await page.waitForFunction(SCREEN_IS_DRAWN);
    await page.screenshot({ path: join(tmpdir(), 'dashgate-novnc.png') });
    assert.deepEqual(complaints, []);
  });
});

// Runs in the page. The screen is all white but for the pointer; a canvas that nothing was drawn on
// has no white at all.
const SCREEN_IS_DRAWN = `(() => {
  const canvas = document.querySelector('canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let white = 0;
  for (let i = 0; i < data.length; i += 4) {
    if (data[i] === 255 && data[i + 1] === 255 && data[i + 2] === 255) white += 1;
  }
  return white / (data.length / 4) > 0.99;
})()`;

/** A portal backend of the simplest kind: this test is about the other service. */
async function startPlainPortal(t: TestContext): Promise<string> {
  const server = createServer((_request, response) => response.end('ok'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close().closeAllConnections());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The first message of a websocket, or `closed` where it ends without one; throws after 15 s. */
function greet(gateway: Gateway, path: string, protocols: string[]) {
  const url = `${gateway.console.replace('https:', 'wss:')}${path}`;
  const socket = new WebSocket(url, protocols, { ca: gateway.ca });
  const { promise, resolve, reject } = Promise.withResolvers<Greeting | 'closed'>();
  const hung = () => reject(new Error(`${path} was neither answered nor closed within 15 s`));
  const overdue = setTimeout(hung, SOCKET_DEADLINE_MS);
  socket.on('error', () => {}); // a refusal; 'close' follows
  socket.once('message', (data, binary) => resolve({ binary, text: `${data}` }));
  socket.once('close', () => resolve('closed'));
  return promise.finally(() => {
    clearTimeout(overdue);
    socket.terminate();
  });
}

interface Greeting {
  readonly binary: boolean;
  readonly text: string;
}
