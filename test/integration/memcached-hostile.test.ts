import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { ProtocolError, UnavailableError } from '../../src/memcached/client.ts';
import { Cluster, type ClusterOptions } from '../../src/memcached/cluster.ts';

type Ask = (client: Cluster) => Promise<unknown>;

const get: Ask = (client) => client.get('key');
const gets: Ask = (client) => client.gets('key');
const set: Ask = (client) => client.set('key', Buffer.from('x'));

/** Answers to one request that no memcached gives. */
const NONSENSE: readonly { about: string; ask: Ask; answer: string }[] = [
  { about: 'random bytes', ask: get, answer: '\x00\xff\x13\r\n' },
  { about: 'another protocol', ask: get, answer: 'HTTP/1.1 400 Bad Request\r\n\r\n' },
  { about: 'a line that ends without CR', ask: get, answer: 'END\n' },
  { about: 'a line that never ends', ask: get, answer: 'x'.repeat(5000) },
  {
    about: 'a value longer than announced',
    ask: get,
    answer: 'VALUE key 0 3\r\nabcdef\r\nEND\r\n',
  },
  { about: 'a value shorter than announced', ask: get, answer: 'VALUE key 0 4\r\nabc\r\nEND\r\n' },
  { about: 'a negative length', ask: get, answer: 'VALUE key 0 -1\r\n' },
  { about: 'a length that is no number', ask: get, answer: 'VALUE key 0 1e3\r\n' },
  { about: 'an absurd length', ask: get, answer: 'VALUE key 0 99999999999999999999\r\n' },
  { about: 'flags out of range', ask: get, answer: 'VALUE key 4294967296 1\r\nx\r\nEND\r\n' },
  { about: 'the value of another key', ask: get, answer: 'VALUE yek 0 1\r\nx\r\nEND\r\n' },
  { about: 'the same value twice', ask: get, answer: 'VALUE key 0 1\r\nx\r\n'.repeat(2) },
  {
    about: 'a version that was not asked for',
    ask: get,
    answer: 'VALUE key 0 1 7\r\nx\r\nEND\r\n',
  },
  {
    about: 'no version where one was asked for',
    ask: gets,
    answer: 'VALUE key 0 1\r\nx\r\nEND\r\n',
  },
  { about: 'the answer to a set for a get', ask: get, answer: 'STORED\r\n' },
  { about: 'the answer to a get for a set', ask: set, answer: 'END\r\n' },
  { about: 'NOT_STORED for a set', ask: set, answer: 'NOT_STORED\r\n' },
  { about: 'a value for a set', ask: set, answer: 'VALUE key 0 1\r\nx\r\nEND\r\n' },
  { about: 'a word for a counter', ask: (client) => client.incr('key', 1), answer: 'many\r\n' },
  { about: 'bad data chunk', ask: set, answer: 'CLIENT_ERROR bad data chunk\r\n' },
];

describe('a memcached client of a hostile server', () => {
  it('refuses a value over the limit, and stays in step', async (t) => {
    const value = 'x'.repeat(1_048_577);
    const server = await hostile(t, (socket) => {
      socket.write(`VALUE key 0 ${value.length}\r\n${value}\r\nEND\r\n`, 'latin1');
      socket.write('VALUE other 0 2\r\nok\r\nEND\r\n');
    });
    const client = clientOf(t, server);
    const first = client.get('key');
    const second = client.get('other');
    await assert.rejects(first, /sent a value of 1048577 bytes, over the limit of 1048576/);
    assert.equal(String((await second)?.value), 'ok');
  });

  for (const { about, ask, answer } of NONSENSE) {
    it(`reports and drops a connection that sends ${about}`, async (t) => {
      const server = await hostile(t, (socket) => socket.write(answer, 'latin1'));
      const client = clientOf(t, server);
      const first = ask(client);
      const second = client.get('other');
      await Promise.all([
        assert.rejects(first, ProtocolError),
        assert.rejects(second, (error) => {
          assert.ok(error instanceof UnavailableError);
          assert.doesNotMatch(error.message, /no answer/, 'it is not left to its deadline');
          return true;
        }),
        server.closed,
      ]);
    });
  }

  it('never shows what a confused server sent, for it may be a session', async (t) => {
    const server = await hostile(t, (socket) => socket.write('VALUE secret-id 0 6\r\nsecret\r\n'));
    const client = clientOf(t, server);
    await assert.rejects(client.get('key'), (error: Error) => {
      assert.ok(error instanceof ProtocolError);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
    await assert.rejects(client.get('key'), (error: Error) => {
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  });

  it('is unavailable when the connection closes in the middle of a value', async (t) => {
    const server = await hostile(t, (socket) => socket.end('VALUE key 0 10\r\nabc'));
    await assert.rejects(clientOf(t, server).get('key'), /it closed the connection/);
  });

  it('is unavailable when the connection is reset', async (t) => {
    const server = await hostile(t, (socket) => socket.resetAndDestroy());
    await assert.rejects(clientOf(t, server).get('key'), UnavailableError);
  });

  it('is unavailable when the server speaks before it is asked', async (t) => {
    const server = await hostile(t, () => {}, 'END\r\nEND\r\n');
    const client = clientOf(t, server);
    // The first END may be taken for the answer; the second one cannot.
    await client.get('key').catch(() => {});
    await server.closed;
    await assert.rejects(client.get('key'), UnavailableError);
  });

  it('holds a server that drips its answer to the deadline of the whole', async (t) => {
    const server = await hostile(t, (socket) => {
      const drip = setInterval(() => socket.write('x'), 10);
      socket.on('close', () => clearInterval(drip));
      socket.write('VALUE key 0 1000000\r\n');
    });
    const client = clientOf(t, server, { timeoutMs: 100 });
    await assert.rejects(client.get('key'), /no answer within 100 ms/);
    await server.closed;
  });

  it('stops reading an endless flood at the first thing that is wrong', async (t) => {
    const flood = Buffer.alloc(1024 * 1024, 'VALUE key 0 4\r\nabcd\r\n');
    const server = await hostile(t, (socket) => {
      const pour = () => {
        while (!socket.destroyed && socket.write(flood));
      };
      socket.on('drain', pour);
      pour();
    });
    await assert.rejects(clientOf(t, server).get('key'), ProtocolError);
    await server.closed;
  });

  it('backs off from a server that answers the probe and nothing else', async (t) => {
    const server = await hostile(t, (socket, request) =>
      socket.write(request.startsWith('version') ? 'VERSION 1\r\n' : 'nonsense\r\n'),
    );
    const downs: number[] = [];
    const client = clientOf(t, server, {
      backoff: { firstMs: 8, maxMs: 64 },
      onNodeState: (_node, state) => {
        if (state === 'down') downs.push(performance.now());
        else void client.get('key').catch(() => {});
      },
    });
    await assert.rejects(client.get('key'), ProtocolError);
    while (downs.length < 7) await once(server.requests, 'request');
    // Seven failures in a row: the waits between them were at least 4, 8, 16, 32, 32 and 32 ms.
    assert.ok(downs.at(-1)! - downs[0]! > 100);
  });

  it('connects again once, however much nonsense follows the first', async (t) => {
    let connections = 0;
    const server = await hostile(t, (socket, request) => {
      if (request.startsWith('set'))
        socket.write('CLIENT_ERROR bad data chunk\r\nERROR\r\nERROR\r\n');
      else socket.write(request.startsWith('version') ? 'VERSION 1\r\n' : 'END\r\n');
    });
    server.requests.on('connection', () => connections++);
    const up = new EventEmitter();
    const client = clientOf(t, server, {
      backoff: { firstMs: 1, maxMs: 1 },
      onNodeState: (_node, state) => up.emit(state),
    });
    const back = once(up, 'up');
    await assert.rejects(set(client), ProtocolError);
    await back;
    for (let n = 0; n < 50; n++) await client.get('key');
    assert.equal(connections, 2);
  });

  it('refuses more requests than may wait, without touching those that do', async (t) => {
    const server = await hostile(t, () => {});
    const client = clientOf(t, server, { maxPending: 3, maxPendingBytes: 1000 });
    const waiting = [client.get('a'), client.get('b')];
    await assert.rejects(client.set('c', Buffer.alloc(1000)), /bytes of requests already wait/);
    waiting.push(client.get('c'));
    await assert.rejects(client.get('d'), /3 requests already wait/);
    assert.deepEqual([...client.nodeStates().values()], ['unknown']);
    client.close();
    for (const outcome of await Promise.allSettled(waiting)) {
      assert.ok(outcome.status === 'rejected' && /was closed/.test(String(outcome.reason)));
    }
  });
});

/** A server that does as told with each chunk of a client; `closed` settles with its first connection. */
async function hostile(
  t: TestContext,
  answer: (socket: Socket, request: string) => void,
  greeting = '',
) {
  const server = createServer((socket) => {
    t.after(() => socket.destroy());
    socket.on('error', () => {});
    socket.on('close', () => server.emit('gone'));
    socket.on('data', (chunk) => {
      server.emit('request');
      answer(socket, chunk.toString());
    });
    if (greeting !== '') socket.write(greeting);
  });
  const closed = once(server, 'gone');
  server.listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { address: `127.0.0.1:${port}`, closed, requests: server };
}

function clientOf(
  t: TestContext,
  server: { address: string },
  options: Partial<ClusterOptions> = {},
): Cluster {
  const client = new Cluster({
    nodes: [server.address],
    placement: 'pymemcache',
    timeoutMs: 5000,
    ...options,
  });
  t.after(() => client.close());
  return client;
}
