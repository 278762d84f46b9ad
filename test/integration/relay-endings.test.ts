import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import type { Gateway } from '../../src/gateway/gateway.ts';
import { startBackend } from '../support/backend.ts';
import { startTestGateway } from '../support/gateway.ts';
import { startScriptedServer } from '../support/scripted-server.ts';
import { until } from '../support/until.ts';

async function client(t: TestContext, gateway: Gateway): Promise<TLSSocket> {
  const { port } = gateway.addresses.portal!;
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  socket.on('error', () => {});
  t.after(() => socket.destroy());
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  return socket;
}

test('an answer that overtakes its upload is never followed by an error page inside it', async (t) => {
  const backend = await startScriptedServer(t, (socket) => {
    socket.once('data', (data) => {
      const health = String(data).startsWith('GET /health ');
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${health ? 0 : 5000}\r\n\r\n`);
      if (!health) socket.write('x'.repeat(100));
    });
  });
  const gateway = await startTestGateway(t, {
    PORTAL_BACKENDS: backend.url,
    HEALTH_INTERVAL: '1h',
    CLIENT_TIMEOUT: '300ms',
  });
  for (const rest of ['', 'no chunk\r\n']) {
    const socket = await client(t, gateway);
    let seen = '';
    socket.on('data', (data) => {
      seen += data;
    });
    socket.write('POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
    await until('the answer begins', () => seen.includes('xxx'));
    if (rest) socket.write(rest);
    await new Promise((resolve) => socket.once('close', resolve));
    assert.equal(seen.match(/HTTP\/1\.1 /g)?.length, 1, seen);
  }
});

test('a connection after a quiet time has the time of any other', async (t) => {
  const backend = await startBackend(t);
  const gateway = await startTestGateway(t, {
    PORTAL_BACKENDS: backend.url,
    HEALTH_INTERVAL: '1h',
    HEADER_TIMEOUT: '1s',
  });
  await delay(1_500);
  const socket = await client(t, gateway);
  await delay(400);
  socket.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  const [data] = await new Promise<Buffer[]>((resolve) => {
    socket.once('data', (chunk) => resolve([chunk]));
    socket.once('close', () => resolve([]));
  });
  assert.match(String(data), /^HTTP\/1\.1 200 /);
});

test('the last answer of a connection is whole for a client that takes its time', async (t) => {
  const size = 6_000_000;
  const backend = await startBackend(t, (_req, res) => {
    res.writeHead(200, { 'content-length': size });
    res.end(Buffer.alloc(size, 'x'));
  });
  const gateway = await startTestGateway(t, {
    PORTAL_BACKENDS: backend.url,
    HEALTH_INTERVAL: '1h',
    CLIENT_TIMEOUT: '20s',
  });
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      const socket = await client(t, gateway);
      let received = 0;
      socket.write('GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      await new Promise((resolve) => socket.once('readable', resolve));
      await delay(3_000);
      for await (const chunk of socket) received += (chunk as Buffer).length;
      assert.ok(received > size, `${received} of ${size} and a head`);
    }),
  );
});

test('a client that asks on without taking its answers is held back, then let go', async (t) => {
  const backend = await startBackend(t, (_req, res) => void res.end(Buffer.alloc(60_000)));
  const gateway = await startTestGateway(t, {
    PORTAL_BACKENDS: backend.url,
    HEALTH_INTERVAL: '1h',
    CLIENT_TIMEOUT: '500ms',
  });
  const socket = await client(t, gateway);
  socket.pause();
  socket.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(1_000));
  await until('the gateway lets go', async () => {
    const answer = await fetch(`http://127.0.0.1:${gateway.addresses.admin!.port}/api/state`);
    const state = (await answer.json()) as { services: { backends: { active: number }[] }[] };
    const before = backend.requests.length;
    await delay(300);
    return state.services[0]!.backends[0]!.active === 0 && backend.requests.length === before;
  });
  assert.ok(backend.requests.length < 900, `${backend.requests.length} were served to nobody`);
});
