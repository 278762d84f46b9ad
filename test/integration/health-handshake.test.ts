import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { WebSocketServer } from 'ws';
import { createMockConsole } from '../../src/demo/mock-console.ts';
import { parseBackends } from '../../src/upstream/backend-address.ts';
import { BackendTls } from '../../src/upstream/backend-tls.ts';
import type { CheckResult } from '../../src/upstream/check-result.ts';
import { acceptOf } from '../../src/upstream/handshake.ts';
import { checkBackend } from '../../src/upstream/health-check.ts';
import { parseExpectation } from '../../src/upstream/status-set.ts';
import type { WebSocketCheck } from '../../src/upstream/websocket-check.ts';
import { startBackend } from '../support/backend.ts';
import { issue } from '../support/certificates.ts';
import { startTestGateway, temporaryFolder } from '../support/gateway.ts';
import { startScriptedServer } from '../support/scripted-server.ts';
import { startToldBackend } from '../support/told-backend.ts';
import { until } from '../support/until.ts';
import { startWebSocketBackend } from '../support/websocket.ts';
import { startWebsockify } from '../support/websockify.ts';

const CHECK: WebSocketCheck = {
  kind: 'websocket',
  path: '/websockify',
  expect: parseExpectation('101,close'),
  banner: false,
  timeoutMs: 2_000,
};

function check(entry: string, options: Partial<WebSocketCheck> = {}): Promise<CheckResult> {
  const [address] = parseBackends(entry, assert.fail, (tls) => new BackendTls(tls));
  return checkBackend(address!, { ...CHECK, ...options });
}

/** A VNC server that greets and takes note of what it is sent, up to the end of each connection. */
async function startVnc(t: TestContext) {
  const ended: Buffer[] = [];
  const server = await startScriptedServer(t, (socket) => {
    const chunks: Buffer[] = [];
    socket.write('RFB 003.008\n');
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('end', () => socket.end());
    socket.on('close', () => ended.push(Buffer.concat(chunks)));
  });
  return { ...server, ended };
}

test('websockify with a target is well, its VNC server is greeted by nobody and left in order', async (t) => {
  const vnc = await startVnc(t);
  const websockify = await startWebsockify(t, { port: vnc.port });
  assert.deepEqual(await check(websockify.url), { ok: true, detail: 'the handshake gave 101' });
  assert.deepEqual(await check(websockify.url, { banner: true }), {
    ok: true,
    detail: 'the handshake gave 101 and RFB 003.008',
  });
  await until('both connections are closed', () => vnc.ended.length === 2);
  assert.deepEqual(vnc.ended, [Buffer.alloc(0), Buffer.alloc(0)]);
});

test('websockify whose VNC server is gone is well itself, and not with a banner wanted', async (t) => {
  const vnc = await startScriptedServer(t, (socket) => socket.resetAndDestroy());
  const websockify = await startWebsockify(t, { port: vnc.port });
  assert.equal((await check(websockify.url)).ok, true);
  const { ok, detail } = await check(websockify.url, { banner: true });
  assert.equal(ok, false);
  assert.match(detail, /closed the websocket|closed the connection/);
});

test('websockify with a token plugin is well without a token, and by its target with one', async (t) => {
  const vnc = await startVnc(t);
  const websockify = await startWebsockify(t, { tokens: { always: vnc.port } });
  assert.deepEqual(await check(websockify.url), {
    ok: true,
    detail: 'the handshake was closed without an answer',
    unasked: false,
    silent: false,
  });
  assert.equal(vnc.accepted(), 0, 'nothing behind it was bothered');
  assert.equal((await check(websockify.url, { expect: parseExpectation('101') })).ok, false);
  const path = '/?token=always';
  assert.match((await check(websockify.url, { path, banner: true })).detail, /RFB 003\.008$/);
});

test('websockify that stands still is found out by its silence, one that is gone at once', async (t) => {
  const websockify = await startWebsockify(t, { tokens: {} });
  websockify.pause();
  assert.deepEqual(await check(websockify.url, { timeoutMs: 300 }), {
    ok: false,
    detail: 'no answer within 300 ms',
    unasked: false,
    silent: true,
  });
  await websockify.kill();
  const { ok, detail } = await check(websockify.url);
  assert.equal(ok, false);
  assert.match(detail, /ECONNREFUSED/);
});

test('the mock console, which like nova answers 101 and then drops who has no token, is well', async (t) => {
  const mock = createMockConsole({ name: 'console', checkToken: () => false });
  const server = createServer(mock.app).on('upgrade', mock.handleUpgrade);
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket.once('close', () => open.delete(socket)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const result = await check(`http://127.0.0.1:${port}`);
  assert.deepEqual(result, { ok: true, detail: 'the handshake gave 101' });
  await until('nothing is left open', () => open.size === 0);
});

test('a websocket is closed with a close frame, and the backend sees a good-bye', async (t) => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  t.after(() => server.close());
  const codes: number[] = [];
  server.on('connection', (socket) => socket.on('close', (code) => codes.push(code)));
  if (!server.address()) await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  assert.equal((await check(`http://127.0.0.1:${port}`)).ok, true);
  await until('it is closed', () => codes.length === 1 && server.clients.size === 0);
  assert.deepEqual(codes, [1000]);
});

test('a handshake goes over TLS and with a PROXY protocol header, as all to a backend does', async (t) => {
  const certificate = await issue(temporaryFolder(t), 'good', { names: ['127.0.0.1'] });
  const secured = await startWebSocketBackend(t, 'greeting', certificate);
  assert.equal((await check(`${secured.url} ca=${certificate.cert}`)).ok, true);
  assert.match((await check(secured.url)).detail, /certificate is refused/);
  for (const option of ['send-proxy', 'send-proxy-v2']) {
    const told = await startToldBackend(t, certificate);
    assert.equal((await check(`${told.entry} ${option}`)).ok, true, option);
  }
});

const key = (request: string) => /Sec-WebSocket-Key: (\S+)/.exec(request)![1]!;
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n';

for (const [what, answer, detail] of [
  ['never answers', () => {}, 'no answer within 300 ms'],
  [
    'answers 200',
    (socket: Socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
    'the handshake gave 200',
  ],
  [
    'answers another key',
    (socket: Socket) => socket.write(`${SWITCH}Sec-WebSocket-Accept: ${acceptOf('x')}\r\n\r\n`),
    'the handshake gave 101 with a wrong Sec-WebSocket-Accept',
  ],
  ['resets', (socket: Socket) => socket.resetAndDestroy(), 'read ECONNRESET'],
  [
    'closes within its answer',
    (socket: Socket) => socket.end(SWITCH),
    'it closed the connection before its answer',
  ],
  [
    'speaks another protocol',
    (socket: Socket) => socket.end('SSH-2.0\r\n\r\n'),
    'the answer is not HTTP/1.1',
  ],
  [
    'trickles',
    (socket: Socket) => {
      const timer = setInterval(() => socket.write('H'), 20);
      socket.once('close', () => clearInterval(timer));
    },
    'no answer within 300 ms',
  ],
  [
    'floods',
    (socket: Socket) => socket.write(Buffer.alloc(100_000, 0x61)),
    'the head of the answer is longer than 16384 bytes',
  ],
] as const) {
  test(`a backend that ${what} is not well, and keeps no connection of ours`, async (t) => {
    const server = await startScriptedServer(t, (socket) => {
      socket.once('data', () => answer(socket)).on('end', () => socket.end());
    });
    assert.equal((await check(server.url, { timeoutMs: 300 })).detail, detail);
    assert.equal((await check(server.url, { timeoutMs: 300 })).ok, false);
    await until('both connections are gone', () => server.sockets.size === 0);
    assert.equal(server.accepted(), 2);
  });
}

test('a backend that does not say good-bye is left all the same', async (t) => {
  const server = await startScriptedServer(t, (socket) => {
    socket.once('data', (request) => {
      socket.write(`${SWITCH}Sec-WebSocket-Accept: ${acceptOf(key(String(request)))}\r\n\r\n`);
      // It goes on talking, and never closes.
      const timer = setInterval(() => socket.write(Buffer.alloc(1_000)), 10);
      socket.once('close', () => clearInterval(timer));
    });
  });
  assert.equal((await check(server.url)).ok, true);
  await until('the connection is gone', () => server.sockets.size === 0);
});

test('the console of a gateway is checked by handshake unless told otherwise, and any check by its kind', async (t) => {
  const websockify = await startWebsockify(t, { tokens: {} });
  const mute = await startScriptedServer(t, (socket) => socket.on('end', () => socket.end()));
  // The start waits for the first check of the portal as well.
  const portal = await startBackend(t);
  for (const [kind, of, health, detail] of [
    ['', websockify, 'up', /closed without an answer/],
    ['', mute, 'down', /no answer within/],
    ['http', websockify, 'down', /\/vnc_lite\.html/],
    ['tcp', mute, 'up', /takes connections/],
  ] as const) {
    const gateway = await startTestGateway(t, {
      PORTAL_BACKENDS: portal.url,
      CONSOLE_LISTEN: '127.0.0.1:0',
      CONSOLE_BACKENDS: of.url,
      CONSOLE_HEALTH_CHECK: kind,
      CONSOLE_HEALTH_PATH: '',
      HEALTH_TIMEOUT: kind === '' && of === mute ? '300ms' : '5s',
      HEALTH_INTERVAL: '1h',
    });
    const answer = await fetch(`http://127.0.0.1:${gateway.addresses.admin!.port}/api/state`);
    const { services } = (await answer.json()) as {
      services: { backends: { health: string; lastCheck: { detail: string } }[] }[];
    };
    const [backend] = services[1]!.backends;
    assert.equal(backend!.health, health);
    assert.match(backend!.lastCheck.detail, detail);
  }
});
