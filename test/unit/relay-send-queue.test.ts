import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { describe, type TestContext, test } from 'node:test';
import { createServer as createTlsServer, connect as tlsConnect } from 'node:tls';
import { demoCertificate } from '../../src/demo/certificate.ts';
import { Outbox } from '../../src/relay/outbox.ts';
import { SendQueue } from '../../src/relay/send-queue.ts';
import { pemOf } from '../support/backend.ts';
import { temporaryFolder } from '../support/gateway.ts';
import { heldBytes } from '../support/memory.ts';
import { until } from '../support/until.ts';

/** The two ends of a connection, the near one a server's. */
async function connected(t: TestContext, secure: boolean): Promise<[Socket, Socket]> {
  const pem = secure && pemOf(await demoCertificate(temporaryFolder(t)));
  const server = pem
    ? createTlsServer({ ...pem, allowHalfOpen: true })
    : createServer({ allowHalfOpen: true });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const far = pem
    ? tlsConnect({ host: '127.0.0.1', port, rejectUnauthorized: false })
    : connect(port, '127.0.0.1');
  const [near] = (await once(server, pem ? 'secureConnection' : 'connection')) as [Socket];
  for (const socket of [near, far]) socket.on('error', () => {});
  t.after(() => {
    near.destroy();
    far.destroy();
    server.close();
  });
  return [near, far];
}

for (const secure of [false, true]) {
  describe(`what is sent over ${secure ? 'TLS' : 'TCP'}`, () => {
    for (const length of [64, 5_000, 8_000_000]) {
      test(`arrives as it was though its ${length} bytes are read late and come alone`, async (t) => {
        const [near, far] = await connected(t, secure);
        const queue = new SendQueue(near, new Outbox());
        const bytes = Buffer.alloc(length, 'as it was');
        const expected = Buffer.from(bytes);
        queue.write('', bytes);
        bytes.fill(0);
        queue.end();
        assert.ok(expected.equals(await buffer(far)));
      });
    }

    test('arrives as it was when it was handed over', async (t) => {
      const [near, far] = await connected(t, secure);
      const queue = new SendQueue(near, new Outbox());
      const received = buffer(far);
      const expected: Buffer[] = [];
      const bytes = Buffer.alloc(100_000);
      for (const [i, length] of [0, 1, 4_000, 5_000, 65_536, 100_000, 10].entries()) {
        bytes.fill(i);
        const head = i % 2 ? `h\u00e9ad ${i}` : '';
        expected.push(Buffer.from(head, 'latin1'), Buffer.from(bytes.subarray(0, length)));
        queue.write(head, bytes.subarray(0, length));
      }
      queue.end();
      assert.ok((await received).equals(Buffer.concat(expected)));
      assert.equal(queue.length, 0);
    });

    test('is not written over while a reader that has fallen behind has still to get it', async (t) => {
      const [near, far] = await connected(t, secure);
      const queue = new SendQueue(near, new Outbox());
      const expected: Buffer[] = [];
      for (let turn = 0; turn < 100; turn += 1) {
        for (let i = 0; i < 100; i += 1) {
          const bytes = Buffer.alloc(3_000, turn + i);
          expected.push(bytes);
          queue.write('', bytes);
        }
        await new Promise(setImmediate);
      }
      assert.ok(queue.length > 0, 'the kernel has taken all of it');
      assert.equal(queue.full, true);
      const received = buffer(far);
      queue.end();
      assert.ok((await received).equals(Buffer.concat(expected)));
    });

    test('waits for the end of the turn where it is small, and goes along with what is large', async (t) => {
      const [near, far] = await connected(t, secure);
      const queue = new SendQueue(near, new Outbox());
      const received = buffer(far);
      const { bytesWritten } = near;
      queue.write('one ');
      queue.write('two ', Buffer.from('three '));
      assert.equal(queue.length, 14);
      assert.equal(near.bytesWritten, bytesWritten);
      await until('it is sent', () => queue.length === 0);
      queue.write('four ', Buffer.from('five '));
      queue.write('', Buffer.alloc(10_000, '6'));
      assert.ok(near.bytesWritten > bytesWritten + 10_000, 'it does not wait');
      queue.write(' seven');
      queue.end();
      assert.equal(
        (await received).toString(),
        `one two three four five ${'6'.repeat(10_000)} seven`,
      );
    });

    test('has its end behind all of it, once, whoever asks for it and how often', async (t) => {
      const [near, far] = await connected(t, secure);
      const queue = new SendQueue(near, new Outbox());
      const ends: string[] = [];
      far.pause();
      // More than the kernel takes of one who does not read.
      queue.write('', Buffer.alloc(20_000_000, 'x'));
      queue.write('last');
      queue.end(() => ends.push('first'));
      queue.end(() => ends.push('second'));
      assert.equal(queue.ended, true);
      queue.write('nobody gets this');
      await new Promise((resolve) => setTimeout(resolve, 100));
      assert.equal(ends.length, 0, 'it has not ended before all is taken');
      const received: Buffer = await buffer(far);
      assert.equal(received.length, 20_000_004);
      assert.equal(received.subarray(-4).toString(), 'last');
      await until('both are told', () => ends.length === 2);
      queue.end(() => ends.push('late'));
      await until('who comes late is told', () => ends.length === 3);
    });

    test('tells when a reader that had fallen behind has caught up, and not before', async (t) => {
      const [near, far] = await connected(t, secure);
      const queue = new SendQueue(near, new Outbox());
      let drains = 0;
      queue.onDrain = () => {
        drains += 1;
        assert.equal(queue.length, 0);
        assert.equal(queue.full, false);
      };
      queue.write('little');
      await until('it is sent', () => queue.length === 0);
      assert.equal(drains, 0, 'it was never full');
      far.pause();
      queue.write('', Buffer.alloc(20_000_000));
      queue.write('more');
      assert.equal(queue.full, true);
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal(drains, 0);
      far.on('data', () => {}).resume();
      await until('all is taken', () => drains === 1);
      queue.write('little');
      await until('it is sent', () => queue.length === 0);
      assert.equal(drains, 1);
    });

    test('ends the connection where it cannot be sent', async (t) => {
      const [near, far] = await connected(t, secure);
      const queue = new SendQueue(near, new Outbox());
      const closed = new Promise((resolve) => near.on('close', resolve));
      far.pause();
      queue.write('', Buffer.alloc(20_000_000));
      queue.write('more');
      // With bytes that it has not read: TCP resets.
      far.destroy();
      await closed;
      assert.equal(queue.full, false, 'nobody is to wait for it');
      queue.write('for nobody');
      queue.end();
      queue.endSoon();
    });

    test('tells whoever listens that it cannot be sent, and leaves what has come to be read', async (t) => {
      const [near, far] = await connected(t, secure);
      const outbox = new Outbox();
      const queue = new SendQueue(near, outbox);
      const errors: Error[] = [];
      queue.onError = (error) => errors.push(error);
      far.pause();
      queue.write('', Buffer.alloc(20_000_000));
      queue.write('more', Buffer.alloc(10));
      await new Promise((resolve) => far.write('the last word', resolve));
      far.destroy();
      await until('it is told', () => errors.length > 0);
      assert.deepEqual([queue.length, queue.full, queue.ended], [0, false, true]);
      queue.write('for nobody');
      assert.equal(errors.length, 1);
      assert.equal(near.errored, null);
      const [bytes] = (await once(near, 'data')) as [Buffer];
      assert.equal(bytes.toString(), 'the last word');
    });

    test('is dropped for a socket that is gone, and holds up nobody', async (t) => {
      const [gone] = await connected(t, secure);
      const [near, far] = await connected(t, secure);
      const outbox = new Outbox();
      const lost = new SendQueue(gone, outbox);
      lost.write('for nobody', Buffer.from('at all'));
      new SendQueue(near, outbox).write('for ', Buffer.from('somebody'));
      gone.destroy();
      lost.write('nor this');
      const [bytes] = (await once(far, 'data')) as [Buffer];
      assert.equal(bytes.toString(), 'for somebody');
    });

    test('is all that a connection has whose other half is cut off', async (t) => {
      const [near, far] = await connected(t, secure);
      const queue = new SendQueue(near, new Outbox());
      far.pause();
      queue.write('', Buffer.alloc(20_000_000));
      queue.write('last');
      queue.cut();
      queue.write('nobody gets this');
      let received = 0;
      far.on('data', (bytes: Buffer) => {
        received += bytes.length;
      });
      far.resume();
      await until('it is over', () => near.destroyed && far.destroyed);
      assert.equal(received, 20_000_004);
    });

    test('keeps no memory once it has been sent, and little while it waits', async (t) => {
      const [near, far] = await connected(t, secure);
      const queue = new SendQueue(near, new Outbox());
      const before = heldBytes();
      queue.write('', Buffer.alloc(10_000_000));
      far.on('data', () => {});
      await until('it is sent', () => queue.length === 0);
      assert.ok(heldBytes() - before < 1_000_000, `${heldBytes() - before} bytes after it`);
      far.pause();
      queue.write('', Buffer.alloc(20_000_000));
      const waiting = heldBytes();
      for (let i = 0; i < 20_000; i += 1) queue.write('', Buffer.from('x'));
      assert.ok(heldBytes() - waiting < 500_000, `${heldBytes() - waiting} bytes for 20000`);
    });

    test('does not hold a connection open for one who reads nothing', async (t) => {
      const [near, far] = await connected(t, secure);
      const queue = new SendQueue(near, new Outbox());
      far.pause();
      queue.write('', Buffer.alloc(20_000_000));
      const closed = new Promise((resolve) => near.on('close', resolve));
      const began = performance.now();
      queue.endSoon();
      await closed;
      assert.ok(performance.now() - began >= 1_900, 'it had its time');
    });
  });
}
