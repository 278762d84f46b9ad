import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { it } from 'node:test';
import { UnavailableError } from '../../src/memcached/client.ts';
import { Connection } from '../../src/memcached/connection.ts';
import { parseNode } from '../../src/memcached/node-address.ts';
import { setRequest } from '../../src/memcached/protocol.ts';

it('resets the connection of a request that is given up on, so that nothing of it is sent later', async (t) => {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const { port } = server.address() as AddressInfo;
  const connection = new Connection(parseNode(`127.0.0.1:${port}`), { timeoutMs: 100 });
  t.after(() => connection.close());

  // More than the kernels of both ends take while nobody reads: a part of it is still to be sent.
  const request = setRequest('key', Buffer.alloc(16 * 1024 * 1024), {}, Date.now());
  const [, [socket]] = await Promise.all([
    assert.rejects(connection.request(request), UnavailableError),
    accepted,
  ]);
  const outcome = new Promise((resolve) => {
    socket.on('end', () => resolve('end'));
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
  });
  let received = 0;
  socket.on('data', (chunk: Buffer) => {
    received += chunk.length;
  });
  socket.resume();
  assert.equal(await outcome, 'ECONNRESET');
  assert.ok(received < request.bytes.length, `${received} bytes came`);
});
