import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ConnectionPool } from '../../src/relay/connection-pool.ts';
import { Deadlines } from '../../src/relay/deadlines.ts';
import { Exchange, type Responder } from '../../src/relay/exchange.ts';
import { Outbox } from '../../src/relay/outbox.ts';
import { parseBackends } from '../../src/upstream/backend-address.ts';
import { Pool } from '../../src/upstream/pool.ts';
import { atRest } from '../support/at-rest.ts';
import { startBackend } from '../support/backend.ts';
import { startTestGateway } from '../support/gateway.ts';
import { leaveTls, openTls } from '../support/tls-client.ts';

async function client(t: TestContext, port: number, request: string) {
  const connection = openTls(port);
  t.after(() => connection.tls.destroy());
  await once(connection.tls, 'secureConnect');
  connection.tls.write(request);
  return connection;
}

test('a client that is slow with its body is not the fault of the backend', async (t) => {
  const backend = await startBackend(t, (req, res) => {
    req.resume().on('end', () => res.end('ok'));
  });
  const gateway = await startTestGateway(t, {
    PORTAL_BACKENDS: backend.url,
    SERVER_TIMEOUT: '500ms',
    CLIENT_TIMEOUT: '10s',
  });
  const { tls } = await client(
    t,
    gateway.addresses.portal!.port,
    'POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 8\r\n\r\npart',
  );
  let text = '';
  tls.on('data', (chunk) => {
    text += chunk;
  });
  const closed = once(tls, 'close');
  await delay(1_200);
  if (!tls.destroyed) tls.write('part');
  await closed;
  assert.match(text, /^HTTP\/1\.1 200 /);
});

test('a backend is not timed while its answer waits for the client, whatever else is sent to it', async (t) => {
  const size = 20_000_000;
  const backend = await startBackend(t, (req, res) => {
    req.resume();
    res.writeHead(200, { 'content-length': size });
    res.end(Buffer.alloc(size));
  });
  const gateway = await startTestGateway(t, {
    PORTAL_BACKENDS: backend.url,
    SERVER_TIMEOUT: '500ms',
    CLIENT_TIMEOUT: '10s',
  });
  const { tls } = await client(
    t,
    gateway.addresses.portal!.port,
    'POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 100\r\n\r\npart',
  );
  await once(tls, 'readable');
  // Nothing is read: the answer fills all buffers, and the gateway pauses the backend.
  await delay(300);
  tls.write('more');
  await delay(1_500);
  let received = 0;
  tls.on('data', (chunk: Buffer) => {
    received += chunk.length;
  });
  await once(tls, 'close');
  assert.ok(received > size, `${received} of ${size}`);
});

test('when an answer cannot be passed on the client is told, or cut off', async (t) => {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const sockets: Socket[] = [];
  server.on('connection', (socket) => sockets.push(socket));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const addresses = parseBackends(
    `http://127.0.0.1:${port}`,
    (problem) => assert.fail(problem),
    () => assert.fail('no TLS'),
  );
  const pool = new Pool('portal', addresses);
  const timeouts = { connectMs: 1_000, serverMs: 1_000, idleMs: 1_000 };
  const connections = new ConnectionPool(new Deadlines(), timeouts, new Outbox());
  const ending = await new Promise((resolve) => {
    const responder: Responder = {
      informational: () => {},
      respond: () => {
        throw new TypeError('a fault in what passes the answer on');
      },
      respondBody: () => true,
      switchProtocols: () => {},
      fail: () => resolve('told'),
      breakOff: () => resolve('cut off'),
      resumeRequest: () => {},
    };
    const request = {
      method: 'GET',
      head: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
      replayable: true,
      upgrade: false,
      expectContinue: false,
      asked: undefined,
      client: { address: '127.0.0.1' } as never,
    };
    new Exchange({ pool, connections, retries: 0 } as never, request, responder).start(
      Buffer.alloc(0),
      true,
    );
    setTimeout(() => resolve('nothing came of it'), 2_500);
  });
  assert.match(String(ending), /^(told|cut off)$/);
});

test('a tunnel whose one side is reset ends soon, although the other does not read', async (t) => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.once('data', (data) => {
      if (data.includes('GET /health')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      else {
        socket.write(
          'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: 5wd2N9qxTcEJOma+C4gXO1EoOWg=\r\n\r\n',
        );
        socket.pause();
      }
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const gateway = await startTestGateway(t, {
    PORTAL_BACKENDS: `http://127.0.0.1:${port}`,
    HEALTH_INTERVAL: '1h',
    SERVER_TIMEOUT: '1s',
  });
  const connection = await client(
    t,
    gateway.addresses.portal!.port,
    'GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ZGFzaGdhdGUtYmVuY2gtMQ==\r\n\r\n',
  );
  await once(connection.tls, 'data');
  connection.tls.write(Buffer.alloc(16_000_000));
  await delay(500);
  leaveTls(connection, 'reset');
  await atRest(gateway, port, 4_000);
});
