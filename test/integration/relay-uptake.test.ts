import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createServer as createTlsServer, connect as tlsConnect } from 'node:tls';
import { demoCertificate } from '../../src/demo/certificate.ts';
import { Deadlines } from '../../src/relay/deadlines.ts';
import { Outbox } from '../../src/relay/outbox.ts';
import { SendQueue } from '../../src/relay/send-queue.ts';
import { Uptake, UptakeWatch } from '../../src/relay/uptake.ts';
import { pemOf } from '../support/backend.ts';
import { temporaryFolder } from '../support/gateway.ts';
import { until } from '../support/until.ts';

/** More than the kernel buffers, in one write. */
const MUCH = Buffer.alloc(32_000_000);

/** A connection whose server has much to send, and whose client reads nothing yet. */
async function pair(
  t: TestContext,
  secure: boolean,
): Promise<{ server: SendQueue; client: Socket }> {
  const queues: SendQueue[] = [];
  const take = (socket: Socket) => {
    const queue = new SendQueue(socket, new Outbox());
    queues.push(queue);
    socket.on('error', () => {});
    t.after(() => socket.destroy());
    queue.write('', MUCH);
  };
  const listening = secure
    ? createTlsServer(pemOf(await demoCertificate(temporaryFolder(t))), take)
    : createServer(take);
  t.after(() => listening.close());
  await once(listening.listen(0, '127.0.0.1'), 'listening');
  const { port } = listening.address() as AddressInfo;
  const client = secure
    ? tlsConnect({ host: '127.0.0.1', port, rejectUnauthorized: false })
    : connect(port, '127.0.0.1');
  t.after(() => client.destroy());
  client.on('error', () => {});
  client.pause();
  await until('it is connected', () => queues.length > 0);
  return { server: queues[0]!, client };
}

describe('what a peer takes', { concurrency: true }, () => {
  for (const secure of [false, true]) {
    test(`is seen within a write that goes on${secure ? ', over TLS' : ''}`, async (t) => {
      const { server, client } = await pair(t, secure);
      const uptake = new Uptake(server);
      // Until the kernel takes no more.
      do {
        uptake.note();
        await delay(300);
      } while (uptake.moved);
      const { length } = server;
      assert.ok(uptake.waits);
      client.on('data', () => {});
      client.resume();
      await until('something is taken', () => uptake.moved);
      client.pause();
      assert.equal(server.length, length, 'the write is not over');
    });

    test(`is waited for, and not longer than told${secure ? ', over TLS' : ''}`, async (t) => {
      const { server, client } = await pair(t, secure);
      const stuckAt: number[] = [];
      const watch = new UptakeWatch(server, new Deadlines(), 800, () => {
        stuckAt.push(performance.now());
      });
      watch.start();
      let read = 0;
      client.on('data', (bytes: Buffer) => {
        read += bytes.length;
        if (read >= wanted) client.pause();
      });
      // As much as opens the window of TCP, now and then: in all it takes longer than told.
      let wanted = 0;
      for (let i = 0; i < 6; i++) {
        wanted += 3_000_000;
        client.resume();
        await delay(400);
      }
      assert.deepEqual(stuckAt, [], `${read} bytes were taken`);
      const stopped = performance.now();
      await until('it is given up', () => stuckAt.length === 1);
      assert.ok(stuckAt[0]! - stopped < 2_000, `${stuckAt[0]! - stopped} ms`);
    });
  }

  test('is not waited for where nothing waits', async (t) => {
    const { server, client } = await pair(t, false);
    let stuck = 0;
    const watch = new UptakeWatch(server, new Deadlines(), 300, () => (stuck += 1));
    watch.start();
    client.resume();
    await until('all is taken', () => server.length === 0);
    await delay(600);
    assert.equal(stuck, 0);
    assert.equal(watch.deadline, Number.POSITIVE_INFINITY, 'it has stopped');
  });
});
