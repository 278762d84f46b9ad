import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { WriteBuffers } from '../../src/relay/write-buffers.ts';

/** A connection's two ends. */
async function connected(t: TestContext): Promise<[Socket, Socket]> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const near = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [far] = (await once(server, 'connection')) as [Socket];
  t.after(() => {
    near.destroy();
    far.destroy();
    server.close();
  });
  return [near, far];
}

test('heads and bytes are written as they were when they were handed over', async (t) => {
  const [near, far] = await connected(t);
  const buffers = new WriteBuffers();
  const received = buffer(far);
  const expected: Buffer[] = [];
  const bytes = Buffer.alloc(100_000);
  for (const [i, length] of [0, 1, 4_000, 5_000, 65_536, 100_000, 10].entries()) {
    bytes.fill(i);
    const head = i % 2 ? `h\u00e9ad ${i}` : '';
    expected.push(Buffer.from(head, 'latin1'), Buffer.from(bytes.subarray(0, length)));
    buffers.write(near, head, bytes.subarray(0, length));
  }
  near.end();
  assert.ok((await received).equals(Buffer.concat(expected)));
});

test('what a reader that has fallen behind has still to get is not written over', async (t) => {
  const [near, far] = await connected(t);
  const buffers = new WriteBuffers();
  const expected: Buffer[] = [];
  for (let i = 0; i < 5_000; i += 1) {
    const bytes = Buffer.alloc(3_000, i);
    expected.push(bytes);
    buffers.write(near, '', bytes);
  }
  assert.ok(near.writableLength > 0, 'the kernel has taken all of it');
  const received = buffer(far);
  near.end();
  assert.ok((await received).equals(Buffer.concat(expected)));
});
