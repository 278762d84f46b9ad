import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { test } from 'node:test';
import { createServer } from 'node:tls';
import { ConnectionPool } from '../../src/relay/connection-pool.ts';
import { Deadlines } from '../../src/relay/deadlines.ts';
import { Outbox } from '../../src/relay/outbox.ts';
import type { UpstreamListener } from '../../src/relay/upstream-connection.ts';
import { parseBackends } from '../../src/upstream/backend-address.ts';
import { BackendTls } from '../../src/upstream/backend-tls.ts';
import { Pool } from '../../src/upstream/pool.ts';
import { issue } from '../support/certificates.ts';
import { temporaryFolder } from '../support/gateway.ts';

const RECORDS = 12;

test('a backend over TLS whose answer ended while it was paused is read again for the next request', async (t) => {
  const { cert, key } = await issue(temporaryFolder(t), 'backend', { names: ['127.0.0.1'] });
  const options = { cert: readFileSync(cert), key: readFileSync(key) };
  const server = createServer({ ...options, noDelay: true }, (socket) => {
    socket.on('error', () => {});
    socket.on('data', () => {
      // A record each.
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${RECORDS}\r\n\r\n`);
      for (let i = 0; i < RECORDS; i += 1) socket.write('x');
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  // Between the two: what comes from the backend goes on in one piece, and is read at once.
  const between = createTcpServer((near) => {
    const far = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const held: Buffer[] = [];
    far.on('data', (chunk) => {
      if (held.push(chunk) === 1) setTimeout(() => near.write(Buffer.concat(held.splice(0))), 100);
    });
    near.pipe(far);
    near.on('error', () => {}).on('close', () => far.destroy());
  });
  await once(between.listen(0, '127.0.0.1'), 'listening');
  const { port } = between.address() as AddressInfo;
  const [backend] = new Pool(
    'portal',
    parseBackends(
      `https://127.0.0.1:${port} verify=off`,
      assert.fail,
      (tls) => new BackendTls(tls),
    ),
  ).backends;
  const timeouts = { connectMs: 5_000, serverMs: 5_000, idleMs: 500 };
  const connections = new ConnectionPool(new Deadlines(), timeouts, new Outbox());
  t.after(() => {
    connections.close();
    between.close();
    server.close();
  });

  for (let request = 0; request < 3; request += 1) {
    const connection = connections.take(backend!, true, { address: '127.0.0.1' } as never);
    assert.equal(connection.served, request, 'it is always the same one');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const listener: Partial<UpstreamListener> = {
      onUpstreamConnect: () => {},
      onUpstreamDrain: () => {},
      // A slow client.
      onResponse: () => connection.pause(),
      onResponseBody: (_chunk, complete) => {
        if (complete) resolve();
      },
      onUpstreamError: reject,
    };
    connection.begin(listener as UpstreamListener, 'GET', false);
    connection.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n', true);
    const late = setTimeout(() => reject(new Error('no answer came, or not to its end')), 3_000);
    await promise.finally(() => clearTimeout(late));
  }
});
