import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { RelayTimeouts } from '../../src/relay/relay.ts';
import { unsentOn } from '../support/send-queues.ts';
import { startRelay } from '../support/tunnels.ts';
import { until } from '../support/until.ts';

const PIECE = Buffer.alloc(16_384, 'x');
const CHUNK = Buffer.concat([Buffer.from('4000\r\n'), PIECE, Buffer.from('\r\n')]);

/** A backend whose answers the test gives, behind a relay with short deadlines. */
async function stage(t: TestContext, timeouts: Partial<RelayTimeouts>) {
  const asked: string[] = [];
  const backends: Socket[] = [];
  const server = createServer((socket) => {
    backends.push(socket);
    t.after(() => socket.destroy());
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      const text = bytes.toString('latin1');
      if (/^[A-Z]+ \//.test(text)) asked.push(text.split(' ', 1)[0]!);
    });
  });
  t.after(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const short = { clientMs: 1_000, serverMs: 1_000, keepAliveMs: 500, headerMs: 1_000 };
  const relay = await startRelay(t, [(server.address() as AddressInfo).port], {
    timeouts: { ...short, ...timeouts },
  });
  const client = connect(relay.port, '127.0.0.1');
  t.after(() => client.destroy());
  client.on('error', () => {});
  client.pause();
  const ask = async (request: string): Promise<Socket> => {
    const before = asked.length;
    client.write(request);
    await until('the backend is asked', () => asked.length > before);
    return backends.at(-1)!;
  };
  /** Answers with chunks until the relay has something that the kernel does not take. */
  const answerMuch = async (backend: Socket): Promise<number> => {
    backend.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    let bytes = 0;
    while (unsentOn(relay.clients[0]!) === 0) {
      backend.write(CHUNK);
      bytes += PIECE.length;
      await delay(1);
    }
    return bytes;
  };
  return { ...relay, client, ask, answerMuch, asked };
}

/** Reads what there is; the bytes of the body of chunks, and whether it is whole. */
async function readAll(client: Socket): Promise<{ bytes: number; isWhole: boolean }> {
  let text = '';
  client.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1');
  });
  client.resume();
  await Promise.race([
    once(client, 'close'),
    until('it is whole', () => text.endsWith('\r\n0\r\n\r\n'), 10_000),
  ]);
  return { bytes: text.split('x').length - 1, isWhole: text.endsWith('\r\n0\r\n\r\n') };
}

describe('a client that is slow to take its answer', { concurrency: true }, () => {
  test('has all of it, though its connection is idle by the clock of keep-alive', async (t) => {
    const { client, ask, answerMuch, clients } = await stage(t, { clientMs: 10_000 });
    const backend = await ask('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const bytes = await answerMuch(backend);
    backend.write('0\r\n\r\n');
    // Longer than the keep-alive, and than an end in order takes.
    await delay(3_000);
    assert.ok(unsentOn(clients[0]!) > 0, 'something is left');
    assert.deepEqual(await readAll(client), { bytes, isWhole: true });
    await until('then it is idle, and is ended', () => client.destroyed);
  });

  test('has all of it, though the relay retires', async (t) => {
    const { client, ask, answerMuch, relay } = await stage(t, { clientMs: 10_000 });
    const backend = await ask('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const bytes = await answerMuch(backend);
    backend.write('0\r\n\r\n');
    await delay(200);
    relay.retire(0);
    await delay(2_500);
    assert.deepEqual(await readAll(client), { bytes, isWhole: true });
  });

  test('is answered nothing, and nothing is done for it, once the connection is being ended', async (t) => {
    const { client, ask, answerMuch, relay, asked } = await stage(t, { clientMs: 10_000 });
    const backend = await ask('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const bytes = await answerMuch(backend);
    backend.write('0\r\n\r\n');
    await delay(200);
    relay.retire(0);
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx');
    await delay(500);
    assert.deepEqual(asked, ['GET']);
    assert.deepEqual(await readAll(client), { bytes, isWhole: true });
  });

  for (const more of ['the rest of its request', 'more of it than the backend takes', 'nothing']) {
    test(`is given up after a while though it sends ${more} meanwhile`, async (t) => {
      const { client, ask, pool, clients } = await stage(t, {});
      const length = more === 'the rest of its request' ? 1 : 50_000_000;
      const backend = await ask(`GET / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`);
      backend.pause();
      const size = 30_000_000;
      backend.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      backend.write(Buffer.alloc(size));
      await until('it is held up', () => unsentOn(clients[0]!) >= 65_536);
      if (length === 1) client.write('x');
      else if (more !== 'nothing') client.write(Buffer.alloc(20_000_000));
      await until('it is given up', () => clients[0]!.destroyed, 8_000);
      await until('its backend is free', () => pool.backends[0]!.active === 0);
    });
  }
});

test('who waits for 100 Continue is not to blame for a backend that says nothing', async (t) => {
  const { client, ask, pool } = await stage(t, { clientMs: 5_000, serverMs: 500 });
  await ask('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n');
  const [told] = await once(client.resume(), 'data');
  assert.match(String(told), /^HTTP\/1\.1 504 /);
  assert.equal(pool.backends[0]!.failed, 1);
});

test('after 100 Continue it is the client that is waited for', async (t) => {
  const { client, ask, pool } = await stage(t, { clientMs: 800, serverMs: 300 });
  const backend = await ask(
    'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n',
  );
  backend.write('HTTP/1.1 100 Continue\r\n\r\n');
  let text = '';
  client.on('data', (bytes) => {
    text += bytes;
  });
  client.resume();
  await once(client, 'close');
  assert.match(text, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 408 /);
  assert.equal(pool.backends[0]!.failed, 0);
});

test('who sends some of the body with its head has not waited for 100 Continue', async (t) => {
  const { client, ask, pool } = await stage(t, { clientMs: 800, serverMs: 5_000 });
  await ask('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nx');
  const [told] = await once(client.resume(), 'data');
  assert.match(String(told), /^HTTP\/1\.1 408 /);
  await until('its backend is free', () => pool.backends[0]!.active === 0);
});

test('an answer that overtakes its request is not cut while the client takes it', async (t) => {
  const { client, ask } = await stage(t, { clientMs: 800, serverMs: 5_000 });
  const backend = await ask('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n');
  client.resume();
  backend.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
  const all = readAll(client);
  for (let i = 0; i < 20; i++) {
    backend.write(CHUNK);
    await delay(120);
  }
  backend.write('0\r\n\r\n');
  assert.deepEqual(await all, { bytes: 20 * PIECE.length, isWhole: true });
});

test('an answer that overtakes its request and then stops is broken off', async (t) => {
  const { client, ask, pool } = await stage(t, { clientMs: 800, serverMs: 800 });
  const backend = await ask('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n');
  const all = readAll(client);
  backend.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
  backend.write(CHUNK);
  assert.deepEqual(await all, { bytes: PIECE.length, isWhole: false });
  await until('its backend is free', () => pool.backends[0]!.active === 0);
});
