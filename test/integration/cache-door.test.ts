import assert from 'node:assert/strict';
import { once } from 'node:events';
import { BlockList } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { CacheDoorOptions } from '../../src/cache/door.ts';
import { ProtocolError, UnavailableError } from '../../src/memcached/client.ts';
import { clientOf, conversation, startDoor } from '../support/cache-door.ts';
import { ManualStore, MemoryStore } from '../support/cache-door-store.ts';
import { recordingLogger } from '../support/log.ts';

const item = (value: string) => ({ value: Buffer.from(value), flags: 0, cas: 1n });

async function start(t: TestContext, options: Partial<CacheDoorOptions> = {}) {
  const store = new ManualStore();
  const running = await startDoor(t, { store, ...options });
  return { store, ...running };
}

/** Turns of the event loop that are enough for a loopback connection to do all that it will. */
async function settled() {
  for (let n = 0; n < 50; n++) await turn();
}

describe('the order of commands', () => {
  it('is that of the answers, whichever of them is there first', async (t) => {
    const { store, ...door } = await start(t);
    const client = await clientOf(t, door);
    client.end('get a\r\nget b\r\nversion\r\nset c 0 0 1\r\n1\r\nget d\r\n');
    await store.reached(4);
    store.answer('get d', item('d'));
    store.answer('set c', 'STORED');
    store.answer('get b', undefined);
    await settled();
    assert.equal(client.readableLength, 0);
    store.answer('get a', item('a'));
    assert.equal(
      await text(client),
      'VALUE a 0 1\r\na\r\nEND\r\nEND\r\nVERSION 1.6.18-dashgate\r\nSTORED\r\nVALUE d 0 1\r\nd\r\nEND\r\n',
    );
  });

  it('is kept where they concern one key and one of them writes', async (t) => {
    const { store, ...door } = await start(t);
    const client = await clientOf(t, door);
    client.end('set a 0 0 1 noreply\r\n1\r\nget b\r\nget b\r\nget a\r\ndelete a\r\nget c\r\n');
    await store.reached(3);
    await settled();
    assert.deepEqual(store.texts(), ['set a', 'get b', 'get b']);
    store.answer('get b', undefined);
    store.answer('get b', undefined);
    await settled();
    assert.deepEqual(store.texts(), ['set a']);
    store.answer('set a', 'STORED');
    await store.reached(4);
    await settled();
    assert.deepEqual(store.texts(), ['get a']);
    store.answer('get a', undefined);
    await store.reached(6);
    store.answer('get c', undefined);
    store.answer('delete a', true);
    assert.equal(await text(client), 'END\r\nEND\r\nEND\r\nDELETED\r\nEND\r\n');
  });

  it('is kept between writes and commands of many keys', async (t) => {
    const { store, ...door } = await start(t);
    const client = await clientOf(t, door);
    client.end('get a b\r\nset c 0 0 1\r\n1\r\nget c d\r\n');
    await store.reached(1);
    await settled();
    assert.deepEqual(store.texts(), ['getMany a b']);
    store.answer('getMany a b', new Map());
    await store.reached(2);
    await settled();
    assert.deepEqual(store.texts(), ['set c']);
    store.answer('set c', 'STORED');
    await store.reached(3);
    store.answer('getMany c d', new Map([['c', item('1')]]));
    assert.equal(await text(client), 'END\r\nSTORED\r\nVALUE c 0 1\r\n1\r\nEND\r\n');
  });

  it('is kept where a read gives a new time to live', async (t) => {
    const { store, ...door } = await start(t);
    const client = await clientOf(t, door);
    client.end('gat -1 a\r\nget b\r\nget a\r\ngat 5 b c\r\nget d\r\n');
    await store.reached(2);
    await settled();
    assert.deepEqual(store.texts(), ['getAndTouch a -1', 'get b']);
    store.answer('getAndTouch a -1', item('1'));
    store.answer('get b', undefined);
    await store.reached(3);
    store.answer('get a', undefined);
    await store.reached(5);
    await settled();
    assert.deepEqual(store.texts(), ['getAndTouch b 5', 'getAndTouch c 5']);
    store.answer('getAndTouch c 5', item('3'));
    store.answer('getAndTouch b 5', item('2'));
    await store.reached(6);
    store.answer('get d', undefined);
    assert.equal(
      await text(client),
      'VALUE a 0 1\r\n1\r\nEND\r\nEND\r\nEND\r\nVALUE b 0 1\r\n2\r\nVALUE c 0 1\r\n3\r\nEND\r\nEND\r\n',
    );
  });

  it('lets no more be under way than a bounded number, and all be answered', async (t) => {
    const { store, ...door } = await start(t);
    const client = await clientOf(t, door);
    const count = 5000;
    client.end(Array.from({ length: count }, (_, n) => `get k${n}\r\n`).join(''));
    const answer = text(client);
    let most = 0;
    for (let done = 0; done < count; ) {
      await store.reached(done + 1);
      await turn();
      most = Math.max(most, store.calls.length);
      done += store.calls.length;
      for (const call of store.calls.splice(0).reverse()) call.answer(undefined);
    }
    assert.equal(await answer, 'END\r\n'.repeat(count));
    assert.ok(most > 8 && most <= 64, `${most} were under way`);
  });

  it('lets values be under way that are small together, or one', async (t) => {
    const { store, ...door } = await start(t);
    const client = await clientOf(t, door);
    const value = 'x'.repeat(600_000);
    const set = (n: number) => `set k${n} 0 0 ${value.length} noreply\r\n${value}\r\n`;
    client.end(`${set(0)}${set(1)}${set(2)}mn\r\n`);
    for (let n = 0; n < 3; n++) {
      await store.reached(n + 1);
      await settled();
      assert.deepEqual(store.texts(), [`set k${n}`]);
      store.answer(`set k${n}`, 'STORED');
    }
    assert.equal(await text(client), 'MN\r\n');
  });
});

describe('failures of the store', () => {
  it('are told with cause and remedy, and logged without the key', async (t) => {
    const { logger, lines } = recordingLogger();
    const { store, ...door } = await start(t, { logger });
    const client = await clientOf(t, door);
    client.end('get secret\r\nset b 0 0 1\r\n1\r\nincr c 1\r\nset d 0 0 1\r\n1\r\nget e\r\nmn\r\n');
    await store.reached(5);
    const refusal = 'CLIENT_ERROR cannot increment or decrement non-numeric value';
    store.fail('get secret', new UnavailableError('10.0.0.1:11211', 'it is silent'));
    store.fail('set b', new ProtocolError('n', 'x', 'SERVER_ERROR object too large for cache'));
    store.fail('incr c 1', new ProtocolError('n', 'x', refusal));
    store.fail('set d', new ProtocolError('n', 'sent nonsense'));
    store.fail('get e', new RangeError('a fault of ours'));
    const answers = (await text(client)).split('\r\n');
    assert.match(
      answers[0]!,
      /^SERVER_ERROR no memcached node .* answers: check MEMCACHED_SERVERS/,
    );
    assert.equal(answers[1], 'SERVER_ERROR object too large for cache');
    assert.equal(answers[2], refusal);
    assert.match(
      answers[3]!,
      /^SERVER_ERROR a memcached node gave an answer that is not the protocol/,
    );
    assert.match(answers[4]!, /^SERVER_ERROR internal error: see the log/);
    assert.deepEqual(answers.slice(5), ['MN', '']);
    assert.equal(lines.length, 3);
    assert.doesNotMatch(JSON.stringify(lines), /secret/);
    assert.match(JSON.stringify(lines), /10\.0\.0\.1:11211.*it is silent/);
    assert.deepEqual(door.door.counters.errors, { client: 1, server: 4 });
  });

  it('are not told where the client wants no answer', async (t) => {
    const { store, ...door } = await start(t);
    const client = await clientOf(t, door);
    client.end('set a 0 0 1 noreply\r\n1\r\ndelete b noreply\r\nmn\r\n');
    await store.reached(2);
    store.fail('set a', new UnavailableError('n', 'gone'));
    store.fail('delete b', new UnavailableError('n', 'gone'));
    assert.equal(await text(client), 'MN\r\n');
  });

  it('end the answer to a long get, and nothing of it follows', async (t) => {
    const { store, ...door } = await start(t);
    const client = await clientOf(t, door);
    const keys = Array.from({ length: 40 }, (_, n) => `k${n}`);
    client.end(`get ${keys.join(' ')}\r\nmn\r\n`);
    await store.reached(1);
    const first = keys.slice(0, 16).join(' ');
    const second = keys.slice(16, 32).join(' ');
    const third = keys.slice(32).join(' ');
    store.answer(`getMany ${first}`, new Map([['k3', item('3')]]));
    await store.reached(3);
    store.answer(`getMany ${third}`, new Map([['k33', item('33')]]));
    store.fail(`getMany ${second}`, new UnavailableError('n', 'gone'));
    assert.match(
      await text(client),
      /^VALUE k3 0 1\r\n3\r\nSERVER_ERROR no memcached[^\n]*\nMN\r\n$/,
    );
  });
});

describe('who is served', () => {
  it('is nobody outside the networks that are allowed, and the log says so', async (t) => {
    const allowed = new BlockList();
    allowed.addSubnet('10.0.0.0', 8);
    const { logger, lines } = recordingLogger();
    const { store, ...door } = await start(t, { logger, allowed });
    for (let n = 0; n < 3; n++) {
      const client = await clientOf(t, door);
      client.on('error', () => {});
      client.write('get a\r\n');
      await new Promise((resolve) => client.once('close', resolve));
      assert.equal(client.bytesRead, 0);
    }
    assert.equal(store.calls.length, 0);
    assert.equal(door.door.counters.refused.access, 3);
    assert.equal(lines.length, 1);
    assert.match(JSON.stringify(lines[0]), /127\.0\.0\.1.*refused/);
  });

  it('is a bounded number of connections; one more is told and closed', async (t) => {
    const { logger, lines } = recordingLogger();
    const { door, ...server } = await start(t, { logger, maxConnections: 2 });
    const first = await clientOf(t, server);
    const second = await clientOf(t, server);
    second.write('mn\r\n');
    await once(second, 'data');
    assert.equal(await conversation(t, server, ''), 'ERROR Too many open connections\r\n');
    assert.deepEqual(door.counters.connections, { open: 2, total: 2 });
    assert.equal(door.counters.refused.limit, 1);
    assert.match(JSON.stringify(lines), /too many connections; raise the limit/);
    const gone = once(first, 'close');
    first.end('quit\r\n').resume();
    await gone;
    await settled();
    assert.equal(await conversation(t, server, 'mn\r\nquit\r\n'), 'MN\r\n');
  });

  for (const [who, bytes, remedy] of [
    ['the binary protocol', [0x80, 0x0a, 0, 0], /binary=False/],
    ['TLS', [0x16, 0x03, 0x01, 0x02], /TLS off/],
  ] as const) {
    it(`is nobody who speaks ${who}, and the log names the remedy`, async (t) => {
      const { logger, lines } = recordingLogger();
      const { door, ...server } = await start(t, { logger });
      const client = await clientOf(t, server);
      client.on('error', () => {});
      const gone = new Promise((resolve) => client.once('close', resolve));
      client.resume().write(Buffer.from(bytes));
      await gone;
      assert.equal(client.bytesRead, 0);
      assert.match(JSON.stringify(lines), remedy);
      assert.equal(door.counters.refused.protocol, 1);
    });
  }

  it('is no browser that was led here: nothing after its request is carried out', async (t) => {
    const { store, ...server } = await start(t);
    const request = 'POST / HTTP/1.1\r\nHost: a\r\n\r\nflush_all\r\ndelete a\r\nget a\r\n';
    assert.equal(await conversation(t, server, `mn\r\n${request}`), 'MN\r\n');
    assert.equal(store.calls.length, 0);
  });

  it('gets its answers though it has closed its side', async (t) => {
    const { store, ...server } = await start(t);
    const client = await clientOf(t, server);
    client.end('get a\r\nget b');
    await store.reached(1);
    await settled();
    store.answer('get a', undefined);
    assert.equal(await text(client), 'END\r\n');
  });

  it('is not waited for in the midst of a command, nor when it does not read', async (t) => {
    const store = new MemoryStore();
    store.put('big', Buffer.alloc(1_000_000));
    const options = { store, stallTimeoutMs: 50 };
    const { door, ...server } = await startDoor(t, options);
    const idle = await clientOf(t, server);
    for (const half of ['get a', 'set a 0 0 10\r\nabc', 'get big\r\n'.repeat(50)]) {
      const client = await clientOf(t, server);
      client.on('error', () => {});
      const gone = new Promise((resolve) => client.once('close', resolve));
      client.pause().write(half);
      while (door.counters.connections.open > 1) await turn();
      client.resume();
      await gone;
    }
    assert.equal(door.counters.refused.silence, 3);
    idle.write('mn\r\n');
    assert.equal(String((await once(idle, 'data'))[0]), 'MN\r\n');
  });

  it('is closed when idle for longer than is set, but not while the store is slow', async (t) => {
    const { store, door, ...server } = await start(t, { idleTimeoutMs: 50 });
    const waiting = await clientOf(t, server);
    waiting.write('get a\r\n');
    await store.reached(1);
    const idle = await clientOf(t, server);
    const gone = new Promise((resolve) => idle.once('close', resolve));
    idle.resume();
    await gone;
    while (door.counters.refused.silence === 0) await turn();
    assert.equal(waiting.readyState, 'open');
    store.answer('get a', undefined);
    assert.equal(String((await once(waiting, 'data'))[0]), 'END\r\n');
  });
});

describe('closing the door', () => {
  it('answers what was read, carries out nothing further, and frees the port', async (t) => {
    const { store, door, ...server } = await start(t);
    const client = await clientOf(t, server);
    const answer = text(client);
    const keys = Array.from({ length: 40 }, (_, n) => `k${n}`);
    client.write(`set a 0 0 1\r\n1\r\nget ${keys.join(' ')}\r\nget b\r\n`);
    await store.reached(1);
    await settled();
    const closed = door.close();
    client.write('get c\r\n');
    await settled();
    store.answer('set a', 'STORED');
    for (let calls = 2; calls <= 4; calls++) {
      await store.reached(calls);
      store.calls.shift()!.answer(new Map([['k39', item('39')]]));
    }
    assert.equal(await answer, 'STORED\r\nVALUE k39 0 2\r\n39\r\nEND\r\n');
    client.end();
    await closed;
    assert.deepEqual(store.texts(), []);
    await assert.rejects(clientOf(t, server), { code: 'ECONNREFUSED' });
  });

  it('is over at its deadline, though the store is silent and the client stays', async (t) => {
    const { store, door, ...server } = await start(t);
    const client = await clientOf(t, server);
    client.on('error', () => {});
    client.write('get a\r\n');
    await store.reached(1);
    await door.close({ deadlineMs: 30 });
    await settled();
    assert.equal(door.counters.connections.open, 0);
    store.answer('get a', item('late'));
    await settled();
  });

  it('lets clients go on for a while, if told to, and ends when they have', async (t) => {
    const { store, door, ...server } = await start(t);
    const client = await clientOf(t, server);
    client.write('mn\r\n');
    await once(client, 'data');
    const closed = door.close({ graceMs: 30_000 });
    client.end('get a\r\nquit\r\n');
    await store.reached(1);
    store.answer('get a', undefined);
    assert.equal(await text(client), 'END\r\n');
    await closed;
  });
});

describe('counting', () => {
  it('tells stats in the names of memcached, and counts anew after a reset', async (t) => {
    const store = new MemoryStore();
    const { door, ...server } = await startDoor(t, { store, maxConnections: 77 });
    const script = 'set a 1 0 2\r\n12\r\nget a b\r\nget a\r\ndelete a\r\ndelete a\r\nfoo\r\n';
    await conversation(t, server, `${script}quit\r\n`);
    const stats = async (subject = '') => {
      const answer = await conversation(t, server, `stats${subject}\r\nquit\r\n`);
      assert.ok(answer.endsWith('END\r\n'));
      return new Map([...answer.matchAll(/^STAT (\S+) (.*)\r$/gm)].map(([, k, v]) => [k, v]));
    };
    const first = await stats();
    const expected = {
      version: '1.6.18-dashgate',
      pid: String(process.pid),
      max_connections: '77',
      curr_connections: '1',
      total_connections: '2',
      cmd_get: '3',
      cmd_set: '1',
      get_hits: '2',
      get_misses: '1',
      delete_hits: '1',
      delete_misses: '1',
    };
    for (const [name, value] of Object.entries(expected)) {
      assert.equal(first.get(name), value, name);
    }
    assert.ok(Number(first.get('bytes_read')) > 50 && Number(first.get('bytes_written')) > 50);
    assert.equal(await conversation(t, server, 'stats reset\r\nquit\r\n'), 'RESET\r\n');
    const second = await stats();
    assert.equal(second.get('cmd_get'), '0');
    assert.equal(second.get('get_hits'), '0');
    assert.equal(second.get('total_connections'), '1');
    assert.equal((await stats(' settings')).get('maxconns'), '77');
    assert.equal((await stats(' items')).size, 0);
    assert.equal(door.counters.commands.get, 2);
    assert.equal(door.counters.commands.unknown, 1);
    assert.equal(door.counters.errors.client, 1);
  });

  it('is right where flush_all is not allowed, which is so unless told', async (t) => {
    const { store, ...server } = await start(t);
    const answer = await conversation(t, server, 'flush_all\r\nflush_all noreply\r\nquit\r\n');
    assert.equal(answer, 'CLIENT_ERROR flush_all not allowed\r\n');
    assert.equal(store.calls.length, 0);
  });
});
