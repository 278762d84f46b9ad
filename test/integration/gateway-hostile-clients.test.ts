import assert from 'node:assert/strict';
import { connect as connectTcp, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import type { Gateway } from '../../src/gateway/gateway.ts';
import { startBackend } from '../support/backend.ts';
import { exchangeRaw, fetchTls, startTestGateway } from '../support/gateway.ts';
import { until } from '../support/until.ts';

async function active(gateway: Gateway): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${gateway.addresses.admin!.port}/api/state`);
  const state = (await answer.json()) as { services: { backends: { active: number }[] }[] };
  return state.services[0]!.backends.reduce((sum, backend) => sum + backend.active, 0);
}

/** A TLS connection of a client that may do anything. */
function openClient(t: TestContext, gateway: Gateway): Promise<Socket> {
  const { port } = gateway.addresses.portal!;
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () =>
      resolve(socket),
    );
    socket.on('error', () => {});
    t.after(() => socket.destroy());
  });
}

test('connections that say nothing are ended, and do not keep the gateway from stopping', async (t) => {
  const backend = await startBackend(t);
  const hasty = await startTestGateway(t, {
    PORTAL_BACKENDS: backend.url,
    HANDSHAKE_TIMEOUT: '200ms',
  });
  const { port } = hasty.addresses.portal!;
  const closed = Array.from({ length: 20 }, () => {
    const socket = connectTcp(port, '127.0.0.1');
    t.after(() => socket.destroy());
    return new Promise<void>((resolve) =>
      socket.once('close', () => resolve()).on('error', () => {}),
    );
  });
  await Promise.all(closed);
  // One that would have its time yet.
  const gateway = await startTestGateway(t, { PORTAL_BACKENDS: backend.url });
  const silent = connectTcp(gateway.addresses.portal!.port, '127.0.0.1');
  t.after(() => silent.destroy());
  silent.on('error', () => {});
  await new Promise((resolve) => silent.once('connect', resolve));
  await gateway.close();
});

test('a closed path is closed to a websocket handshake and to odd spellings too', async (t) => {
  const backend = await startBackend(t);
  const gateway = await startTestGateway(t, { PORTAL_BACKENDS: backend.url });
  const { port } = gateway.addresses.portal!;
  const upgrade =
    'Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n';
  for (const target of ['/server-status', '/server-statu%73/%ff', '/%73erver-status/%zz']) {
    const get = await exchangeRaw(
      port,
      `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    );
    assert.match(get, /^HTTP\/1\.1 403 /, target);
    const handshake = await exchangeRaw(port, `GET ${target} HTTP/1.1\r\n${upgrade}\r\n`);
    assert.match(handshake, /^HTTP\/1\.1 403 /, target);
  }
  assert.equal(backend.requests.length, 0);
});

test('pipelined requests take one backend at a time, and none once the client is gone', async (t) => {
  const backend = await startBackend(t, () => {});
  const gateway = await startTestGateway(t, { PORTAL_BACKENDS: `${backend.url} maxconn=2` });
  for (let round = 0; round < 4; round++) {
    const socket = await openClient(t, gateway);
    const seen = backend.requests.length;
    socket.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(10));
    await until('the first is being served', () => backend.requests.length > seen);
    assert.equal(await active(gateway), 1);
    socket.destroy();
    await until('nothing is held', async () => (await active(gateway)) === 0);
  }
  assert.equal(backend.requests.length, 4);
});

test('pipelined requests are answered in order', async (t) => {
  const backend = await startBackend(t, (req, res) => void res.end(req.url));
  const gateway = await startTestGateway(t, { PORTAL_BACKENDS: backend.url });
  const requests = ['/1', '/2', '/3']
    .map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
    .join('');
  const last = 'GET /4 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
  const answer = await exchangeRaw(gateway.addresses.portal!.port, requests + last);
  assert.deepEqual(answer.match(/^\/\d/gm), ['/1', '/2', '/3', '/4']);
});

test('a lease that comes when its client has just gone is given back', async (t) => {
  const held: (() => void)[] = [];
  const backend = await startBackend(t, (_req, res) => void held.push(() => res.end('done')));
  const gateway = await startTestGateway(t, { PORTAL_BACKENDS: `${backend.url} maxconn=1` });
  const first = fetchTls(gateway.addresses.portal!.port, '/1');
  await until('the first is being served', () => held.length === 1);
  const waiting = await openClient(t, gateway);
  waiting.write('GET /2 HTTP/1.1\r\nHost: a\r\n\r\n');
  await until('the second waits', async () => {
    const state = await fetch(`http://127.0.0.1:${gateway.addresses.admin!.port}/api/state`);
    return ((await state.json()) as { services: { queued: number }[] }).services[0]!.queued === 1;
  });
  held.shift()!();
  waiting.destroy();
  await first;
  await until('nothing is held', async () => (await active(gateway)) === 0);
});

test('a client that does not read its answer is cut at CLIENT_TIMEOUT', async (t) => {
  const backend = await startBackend(t, (_req, res) => {
    const flood = () => {
      while (!res.destroyed && res.write(Buffer.alloc(65_536)));
    };
    res.on('drain', flood);
    flood();
  });
  const gateway = await startTestGateway(t, {
    PORTAL_BACKENDS: backend.url,
    CLIENT_TIMEOUT: '300ms',
  });
  const socket = await openClient(t, gateway);
  socket.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  await new Promise((resolve) => socket.once('data', resolve));
  socket.pause();
  await until('nothing is held', async () => (await active(gateway)) === 0);
});

/** Writes a piece every 50 ms until the connection ends, or so many are sent; what came back. */
async function drip(socket: Socket, piece: string, most: number): Promise<string> {
  let answer = '';
  socket.on('data', (data) => {
    answer += data;
  });
  for (let i = 0; i < most && answer === '' && !socket.destroyed; i++) {
    socket.write(piece);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return answer;
}

test('a body that comes a byte now and then has CLIENT_TIMEOUT for all its pauses together', async (t) => {
  const backend = await startBackend(t, (req) => void req.resume());
  const gateway = await startTestGateway(t, {
    PORTAL_BACKENDS: backend.url,
    CLIENT_TIMEOUT: '400ms',
  });
  const slow = await openClient(t, gateway);
  slow.write('POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n');
  assert.match(await drip(slow, 'x', 100), /^HTTP\/1\.1 408 /);
  const steady = await openClient(t, gateway);
  steady.write('POST /steady HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n');
  assert.equal(await drip(steady, 'x'.repeat(100), 20), '', 'it is fast enough, for a second');
  assert.equal(steady.destroyed, false);
});

test('uploads that are reset leave nothing behind', async (t) => {
  const backend = await startBackend(t, (req, res) => {
    req.resume().on('end', () => res.end('ok'));
  });
  const gateway = await startTestGateway(t, {
    PORTAL_BACKENDS: backend.url,
    CLIENT_TIMEOUT: '500ms',
  });
  const head = 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n';
  await Promise.all(
    Array.from({ length: 40 }, async (_, i) => {
      const { port } = gateway.addresses.portal!;
      const tcp = connectTcp(port, '127.0.0.1');
      const socket = connect({ socket: tcp, rejectUnauthorized: false });
      for (const leg of [tcp, socket]) leg.on('error', () => {});
      await new Promise((resolve) => socket.once('secureConnect', resolve));
      socket.write(head);
      socket.write(Buffer.alloc(i % 2 === 0 ? 100_000 : 60_000), () => tcp.resetAndDestroy());
      await new Promise((resolve) => tcp.once('close', resolve));
    }),
  );
  await until('nothing is held', async () => (await active(gateway)) === 0);
});

test('while it stops the gateway says so to load balancers, and ends connections after their answer', async (t) => {
  const held: (() => void)[] = [];
  const backend = await startBackend(t, (_req, res) => void held.push(() => res.end('done')));
  const gateway = await startTestGateway(t, {
    PORTAL_BACKENDS: backend.url,
    SHUTDOWN_TIMEOUT: '10s',
  });
  const answer = fetchTls(gateway.addresses.portal!.port, '/x', {
    headers: { connection: 'keep-alive' },
  });
  await until('the request is under way', () => held.length === 1);
  const closed = gateway.close();
  const ready = await fetch(`http://127.0.0.1:${gateway.addresses.admin!.port}/readyz`);
  assert.equal(ready.status, 503);
  held[0]!();
  const { body, headers } = await answer;
  assert.deepEqual([body, headers.connection], ['done', 'close']);
  await closed;
});
