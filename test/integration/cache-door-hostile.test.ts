import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { CONVERSATIONS } from '../contract/cache-door-conversations.ts';
import { clientOf, conversation, startDoor } from '../support/cache-door.ts';
import { NodeStore } from '../support/cache-door-node.ts';
import { MemoryStore } from '../support/cache-door-store.ts';
import { recordingLogger } from '../support/log.ts';
import { startMemcached } from '../support/memcached.ts';
import { heldBytes } from '../support/memory.ts';
import { randomFrom } from '../support/random.ts';

const MEGABYTE = 1024 * 1024;
const SEED = 20_261_122;

/** Does ordinary work until told to stop; gives the number of round trips, each of them checked. */
function ordinaryClient(socket: Socket): { stop: () => Promise<number> } {
  let stopped = false;
  const work = async () => {
    for (let n = 0; ; n++) {
      const value = `value ${n}`;
      const command = `set mine 5 0 ${value.length}\r\n${value}\r\nget mine\r\n`;
      const expected = `STORED\r\nVALUE mine 5 ${value.length}\r\n${value}\r\nEND\r\n`;
      socket.write(command);
      let answer = '';
      while (answer.length < expected.length) answer += String((await once(socket, 'data'))[0]);
      assert.equal(answer, expected);
      if (stopped) return n;
      await turn();
    }
  };
  const done = work();
  return {
    stop: () => {
      stopped = true;
      return done;
    },
  };
}

describe('clients that mean no good', () => {
  it('may send garbage: they disturb neither the others nor the node', async (t) => {
    const node = await startMemcached(t);
    const store = await NodeStore.connect(t, node);
    const { door, ...server } = await startDoor(t, { store });
    const other = ordinaryClient(await clientOf(t, server));
    const random = randomFrom(SEED);
    const pick = (length: number) => Math.floor(random() * length);
    const plain = CONVERSATIONS.filter(({ sent }) => sent.length < 5000);
    for (let n = 0; n < 1500; n++) {
      const bytes = Buffer.from(plain[pick(plain.length)]!.sent, 'latin1');
      for (let changes = pick(6); changes > 0; changes--) bytes[pick(bytes.length)] = pick(256);
      const client = await clientOf(t, server);
      client.on('error', () => {});
      const gone = new Promise((resolve) => client.once('close', resolve));
      client.resume();
      if (n % 4 === 0) client.write(bytes, () => client.resetAndDestroy());
      else client.end(n % 4 === 1 ? bytes.subarray(0, pick(bytes.length)) : bytes);
      await gone;
    }
    assert.ok((await other.stop()) > 100, `seed ${SEED}`);
    assert.ok(door.counters.errors.client > 300);
    assert.equal(
      await conversation(t, server, 'set a 0 0 1\r\n1\r\nget a\r\nquit\r\n'),
      'STORED\r\nVALUE a 0 1\r\n1\r\nEND\r\n',
    );
  });

  it('may send a million tiny commands: they are all answered, in bounded memory', async (t) => {
    const store = new MemoryStore();
    store.put('a', Buffer.from('1'));
    const { port, host } = await startDoor(t, { store });
    const client = await clientOf(t, { host, port });
    const other = ordinaryClient(await clientOf(t, { host, port }));
    const answer = 'VALUE a 0 1\r\n1\r\nEND\r\nMN\r\n';
    let received = 0;
    let most = 0;
    const before = heldBytes();
    client.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    const commands = Buffer.from('get a\r\nmn\r\n'.repeat(5000));
    for (let n = 0; n < 100; n++) {
      if (!client.write(commands)) await once(client, 'drain');
      if (n % 10 === 0) most = Math.max(most, heldBytes() - before);
    }
    client.end();
    await once(client, 'end');
    assert.equal(received, 500_000 * answer.length);
    assert.ok(most < 10 * MEGABYTE, `${most} bytes more were held`);
    assert.ok((await other.stop()) > 10);
  });

  it('may never read: little is fetched for them, and all of it arrives in the end', async (t) => {
    const store = new MemoryStore();
    const names = Array.from({ length: 300 }, (_, n) => `big${n}`);
    for (const name of names) store.put(name, Buffer.alloc(MEGABYTE, name));
    const { port, host } = await startDoor(t, { store });
    const client = await clientOf(t, { host, port });
    const other = await clientOf(t, { host, port });
    client.pause();
    client.write(names.map((name) => `get ${name}\r\n`).join(''));
    client.end(`gets ${names.join(' ')}\r\n`);
    for (let n = 0; n < 300; n++) await turn();
    const early = store.calls;
    other.write('mn\r\n');
    assert.equal(String((await once(other, 'data'))[0]), 'MN\r\n');
    assert.ok(early > 0 && early <= 32, `${early} calls for a client that does not read`);
    let received = 0;
    for await (const chunk of client) received += chunk.length;
    assert.ok(received > 600 * MEGABYTE);
  });

  it('hold no more than a bounded amount by not reading', async (t) => {
    // Each value is made when it is asked for, so that it counts.
    const store = new MemoryStore();
    const made = async () => ({ value: Buffer.alloc(MEGABYTE, 1), flags: 0, cas: 1n });
    store.get = made;
    store.getMany = async (keys) =>
      new Map(await Promise.all(keys.map(async (key) => [key, await made()] as const)));
    const { port, host } = await startDoor(t, { store });
    for (const [command, bound] of [
      ['get big\r\n'.repeat(5000), 30],
      [`get ${'big '.repeat(5000)}\r\n`, 30],
      [`get ${'big '.repeat(5000)}\r\n`.repeat(20), 30],
    ] as const) {
      const client = await clientOf(t, { host, port });
      client.pause();
      const before = heldBytes();
      client.write(command);
      for (let n = 0; n < 300; n++) await turn();
      const grown = heldBytes() - before;
      assert.ok(grown < bound * MEGABYTE, `${grown} bytes for ${command.slice(0, 20)}`);
      client.destroy();
    }
  });

  it('may send a value that is far too large: it is passed over, not held', async (t) => {
    const store = new MemoryStore();
    const { port, host } = await startDoor(t, { store });
    const client = await clientOf(t, { host, port });
    const chunk = Buffer.alloc(MEGABYTE, 'x');
    const before = heldBytes();
    let most = 0;
    client.write(`set a 0 0 ${400 * MEGABYTE}\r\n`);
    for (let n = 0; n < 400; n++) {
      if (!client.write(chunk)) await once(client, 'drain');
      if (n % 20 === 0) most = Math.max(most, heldBytes() - before);
    }
    client.end('\r\nmn\r\n');
    assert.equal(await text(client), 'SERVER_ERROR object too large for cache\r\nMN\r\n');
    assert.ok(most < 50 * MEGABYTE, `${most} bytes more were held`);
  });

  it('may come ten thousand at a time: a bounded number is served', async (t) => {
    const { logger, lines } = recordingLogger();
    const store = new MemoryStore();
    const { door, ...server } = await startDoor(t, { store, logger, maxConnections: 31 });
    const other = ordinaryClient(await clientOf(t, server));
    await Promise.all(Array.from({ length: 30 }, () => clientOf(t, server)));
    let told = 0;
    const attempt = async () => {
      const client = connect(server).on('error', () => {});
      client.once('data', (answer) => {
        if (String(answer) === 'ERROR Too many open connections\r\n') told++;
        client.destroy();
      });
      client.write('mn\r\n');
      await new Promise((resolve) => client.once('close', resolve));
    };
    for (let wave = 0; wave < 50; wave++) {
      await Promise.all(Array.from({ length: 200 }, attempt));
      assert.equal(door.counters.connections.open, 31);
    }
    assert.ok((await other.stop()) > 20);
    assert.equal(door.counters.refused.limit, 10_000);
    assert.ok(told > 5000, `only ${told} were told why`);
    assert.ok(lines.length < 10, `${lines.length} lines in the log`);
  });

  it('may send a byte at a time, and hundreds of them half a value each', async (t) => {
    const store = new MemoryStore();
    const { port, host } = await startDoor(t, { store });
    const slow = await Promise.all(Array.from({ length: 300 }, () => clientOf(t, { host, port })));
    const before = process.memoryUsage().rss;
    for (const client of slow) client.write('set a 0 0 1048576\r\nx');
    const other = ordinaryClient(await clientOf(t, { host, port }));
    const drop = await clientOf(t, { host, port });
    for (const byte of 'set b 0 0 3\r\nabc\r\nget b\r\n') {
      drop.write(byte);
      await turn();
    }
    drop.end();
    assert.equal(await text(drop), 'STORED\r\nVALUE b 0 3\r\nabc\r\nEND\r\n');
    assert.ok((await other.stop()) > 0);
    const grown = process.memoryUsage().rss - before;
    assert.ok(grown < 200 * MEGABYTE, `${grown} bytes for values that did not come`);
  });
});
