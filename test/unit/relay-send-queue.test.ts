import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { Outbox } from '../../src/relay/outbox.ts';

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
  const outbox = new Outbox();
  const received = buffer(far);
  const expected: Buffer[] = [];
  const bytes = Buffer.alloc(100_000);
  for (const [i, length] of [0, 1, 4_000, 5_000, 65_536, 100_000, 10].entries()) {
    bytes.fill(i);
    const head = i % 2 ? `h\u00e9ad ${i}` : '';
    expected.push(Buffer.from(head, 'latin1'), Buffer.from(bytes.subarray(0, length)));
    outbox.write(near, head, bytes.subarray(0, length));
  }
  near.end();
  assert.ok((await received).equals(Buffer.concat(expected)));
});

test('what a reader that has fallen behind has still to get is not written over', async (t) => {
  const [near, far] = await connected(t);
  const outbox = new Outbox();
  const expected: Buffer[] = [];
  for (let i = 0; i < 5_000; i += 1) {
    const bytes = Buffer.alloc(3_000, i);
    expected.push(bytes);
    outbox.write(near, '', bytes);
  }
  assert.ok(near.writableLength > 0, 'the kernel has taken all of it');
  const received = buffer(far);
  near.end();
  assert.ok((await received).equals(Buffer.concat(expected)));
});

test('small pieces go out at the end of the turn, and a large one takes them along', async (t) => {
  const [near, far] = await connected(t);
  const outbox = new Outbox();
  const received = buffer(far);
  outbox.write(near, 'one ', Buffer.alloc(0));
  outbox.write(near, 'two ', Buffer.from('three '));
  assert.equal(near.writableLength, 14);
  await new Promise(setImmediate);
  assert.equal(near.writableLength, 0);
  outbox.write(near, 'four ', Buffer.from('five '));
  outbox.write(near, '', Buffer.alloc(10_000, '6'));
  assert.equal(near.writableLength, 0);
  outbox.write(near, ' seven', Buffer.alloc(0));
  near.end();
  assert.equal((await received).toString(), `one two three four five ${'6'.repeat(10_000)} seven`);
});

test('what is held for a socket that is gone is dropped, and holds up nobody', async (t) => {
  const [gone] = await connected(t);
  const [near, far] = await connected(t);
  const outbox = new Outbox();
  outbox.write(gone, 'for nobody', Buffer.from('at all'));
  outbox.write(near, 'for ', Buffer.from('somebody'));
  gone.destroy();
  const [bytes] = (await once(far, 'data')) as [Buffer];
  assert.equal(bytes.toString(), 'for somebody');
});
