import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { ProtocolError } from '../../src/memcached/client.ts';
import { Cluster } from '../../src/memcached/cluster.ts';

/** A server under the contract: where it is, and how its clock is moved. */
export interface ServerUnderTest {
  readonly address: string;
  /** Resolves when the server's clock has moved on by at least these whole seconds. */
  elapse(seconds: number): Promise<void>;
}

const MIB = 1024 * 1024;

/** What every client of a memcached-speaking server may rely on, run against one kind of server. */
export function memcachedClientSuite(
  kind: string,
  start: (t: TestContext) => Promise<ServerUnderTest>,
): void {
  async function setUp(t: TestContext) {
    const server = await start(t);
    // A deadline that a busy machine does not reach: none of these tests is about time.
    const client = new Cluster({
      nodes: [server.address],
      placement: 'pymemcache',
      timeoutMs: 10_000,
      connectTimeoutMs: 10_000,
    });
    t.after(() => client.close());
    return { client, server };
  }

  describe(`a memcached client of ${kind}`, () => {
    it('gets what was set, with its flags', async (t) => {
      const { client } = await setUp(t);
      await client.set('key', Buffer.from('value'), { flags: 0xffff_ffff });
      assert.deepEqual(await client.get('key'), {
        value: Buffer.from('value'),
        flags: 0xffff_ffff,
      });
    });

    it('answers undefined, false and missing for a key that is absent', async (t) => {
      const { client } = await setUp(t);
      const value = Buffer.from('x');
      assert.equal(await client.get('none'), undefined);
      assert.equal(await client.gets('none'), undefined);
      assert.deepEqual(await client.getMany(['none', 'neither']), new Map());
      assert.equal(await client.replace('none', value), false);
      assert.equal(await client.cas('none', value, 1n), 'missing');
      assert.equal(await client.delete('none'), false);
      assert.equal(await client.touch('none', 10), false);
      assert.equal(await client.incr('none', 1), undefined);
      assert.equal(await client.decr('none', 1), undefined);
    });

    it('keeps binary values whole: all 256 bytes, line ends and protocol words', async (t) => {
      const { client } = await setUp(t);
      const values = [
        Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
        Buffer.from('\r\nEND\r\nVALUE key 0 1\r\nx\r\nEND\r\n'),
        Buffer.from('\r\n'),
        Buffer.alloc(0),
      ];
      for (const value of values) {
        await client.set('key', value);
        assert.deepEqual((await client.get('key'))?.value, value);
      }
    });

    it('stores a value just below 1 MiB', async (t) => {
      const { client } = await setUp(t);
      const value = Buffer.alloc(MIB - 512, 'abc\r\n');
      await client.set('key', value);
      assert.deepEqual((await client.get('key'))?.value, value);
    });

    it('rejects a value that the server finds too large, and goes on', async (t) => {
      const { client } = await setUp(t);
      await client.set('key', Buffer.from('before'));
      await assert.rejects(client.set('key', Buffer.alloc(MIB)), (error) => {
        assert.ok(error instanceof ProtocolError);
        assert.match(error.message, /SERVER_ERROR object too large for cache/);
        return true;
      });
      assert.equal(await client.get('key'), undefined, 'the old value is not served for the new');
      await client.set('key', Buffer.from('after'));
      assert.equal((await client.get('key'))?.value.toString(), 'after');
    });

    it('adds only what is absent and replaces only what is present', async (t) => {
      const { client } = await setUp(t);
      const [one, two] = [Buffer.from('1'), Buffer.from('2')];
      assert.equal(await client.add('key', one, { flags: 1 }), true);
      assert.equal(await client.add('key', two), false);
      assert.deepEqual(await client.get('key'), { value: one, flags: 1 });
      assert.equal(await client.replace('key', two, { flags: 2 }), true);
      assert.deepEqual(await client.get('key'), { value: two, flags: 2 });
    });

    it('stores over a version only while it is the latest', async (t) => {
      const { client } = await setUp(t);
      await client.set('key', Buffer.from('1'));
      const first = await client.gets('key');
      assert.ok(first);
      assert.equal(await client.cas('key', Buffer.from('2'), first.cas), 'stored');
      assert.equal(await client.cas('key', Buffer.from('3'), first.cas), 'exists');
      const second = await client.gets('key');
      assert.equal(second?.value.toString(), '2');
      assert.notEqual(second?.cas, first.cas);
    });

    it('lets exactly one of many concurrent cas win', async (t) => {
      const { client } = await setUp(t);
      await client.set('key', Buffer.from('0'));
      const { cas } = (await client.gets('key'))!;
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, n) => client.cas('key', Buffer.from(String(n)), cas)),
      );
      assert.equal(outcomes.filter((outcome) => outcome === 'stored').length, 1);
      assert.equal(outcomes.filter((outcome) => outcome === 'exists').length, 19);
    });

    it('deletes, once', async (t) => {
      const { client } = await setUp(t);
      await client.set('key', Buffer.from('x'));
      assert.equal(await client.delete('key'), true);
      assert.equal(await client.delete('key'), false);
      assert.equal(await client.get('key'), undefined);
    });

    it('counts up with wrapping at 64 bits and down to no less than 0', async (t) => {
      const { client } = await setUp(t);
      await client.set('n', Buffer.from('10'));
      assert.equal(await client.incr('n', 5), 15n);
      assert.equal(await client.decr('n', 7), 8n);
      assert.equal(await client.decr('n', 100), 0n);
      assert.equal(await client.incr('n', 2n ** 64n - 1n), 2n ** 64n - 1n);
      assert.equal(await client.incr('n', 1), 0n);
    });

    it('rejects counting what is no number, and goes on', async (t) => {
      const { client } = await setUp(t);
      await client.set('n', Buffer.from('ten'));
      await assert.rejects(client.incr('n', 1), /CLIENT_ERROR cannot increment or decrement/);
      assert.equal((await client.get('n'))?.value.toString(), 'ten');
    });

    it('forgets an item when its time to live is over, and a touched one later', async (t) => {
      const { client, server } = await setUp(t);
      await client.set('brief', Buffer.from('x'), { ttl: 1 });
      await client.set('touched', Buffer.from('x'), { ttl: 1 });
      await client.set('lasting', Buffer.from('x'), { ttl: 0 });
      assert.equal(await client.touch('touched', 100), true);
      await server.elapse(2);
      assert.equal(await client.get('brief'), undefined);
      assert.ok(await client.get('touched'));
      assert.ok(await client.get('lasting'));
      assert.equal(await client.add('brief', Buffer.from('y')), true);
    });

    it('takes times to live of more than 30 days, and negative ones as over', async (t) => {
      const { client } = await setUp(t);
      await client.set('month', Buffer.from('x'), { ttl: 31 * 86_400 });
      await client.set('century', Buffer.from('x'), { ttl: 100 * 365 * 86_400 });
      await client.set('over', Buffer.from('x'), { ttl: -1 });
      assert.deepEqual(
        [...(await client.getMany(['month', 'century', 'over'])).keys()],
        ['month', 'century'],
      );
      assert.equal(await client.touch('month', -5), true);
      assert.equal(await client.get('month'), undefined);
    });

    it('gets many keys at once, absent and repeated ones among them', async (t) => {
      const { client } = await setUp(t);
      const keys = Array.from({ length: 350 }, (_, n) => `key-${n}`);
      const stored = keys.filter((_, n) => n % 3 !== 0);
      await Promise.all(stored.map((key) => client.set(key, Buffer.from(`value of ${key}`))));
      const found = await client.getMany([...keys, ...keys]);
      assert.deepEqual(new Set(found.keys()), new Set(stored));
      for (const [key, { value }] of found) assert.equal(value.toString(), `value of ${key}`);
    });

    it('keeps 1,000 requests at once apart', async (t) => {
      const { client } = await setUp(t);
      const numbers = Array.from({ length: 1000 }, (_, n) => n);
      const values = await Promise.all(
        numbers.map(async (n) => {
          await client.set(`key-${n}`, Buffer.alloc(n, String(n)), { flags: n });
          return client.get(`key-${n}`);
        }),
      );
      for (const n of numbers) {
        assert.deepEqual(values[n], { value: Buffer.alloc(n, String(n)), flags: n });
      }
    });

    it('takes keys of any characters up to 250 bytes of UTF-8', async (t) => {
      const { client } = await setUp(t);
      for (const key of ['ключ-é-漢字-😀', '\u00a0', 'k'.repeat(250), 'é'.repeat(125)]) {
        await client.set(key, Buffer.from(key));
        assert.equal((await client.get(key))?.value.toString(), key);
        assert.deepEqual([...(await client.getMany([key, 'other'])).keys()], [key]);
      }
    });

    it('refuses keys, flags and times that the protocol cannot carry, before sending', async (t) => {
      const { client } = await setUp(t);
      const value = Buffer.from('x');
      for (const key of ['', 'a b', 'a\r\nflush_all', 'a\0', 'k'.repeat(251), 'é'.repeat(126)]) {
        await assert.rejects(client.get(key), TypeError);
        await assert.rejects(client.getMany(['ok', key]), TypeError);
        await assert.rejects(client.set(key, value), TypeError);
        await assert.rejects(client.delete(key), TypeError);
      }
      await assert.rejects(client.set('key', value, { flags: -1 }), TypeError);
      await assert.rejects(client.set('key', value, { flags: 2 ** 32 }), TypeError);
      await assert.rejects(client.set('key', value, { ttl: 1.5 }), TypeError);
      await assert.rejects(client.incr('key', -1), TypeError);
      await assert.rejects(client.set('key', Buffer.alloc(MIB + 1)), RangeError);
      assert.equal(await client.get('key'), undefined);
    });

    it('pings with the version', async (t) => {
      const { client, server } = await setUp(t);
      const answer = (await client.ping()).get(server.address);
      assert.ok(answer !== undefined && 'version' in answer);
      assert.match(answer.version, /^1\.6\./);
      assert.deepEqual(client.nodeStates(), new Map([[server.address, 'up']]));
    });
  });
}
