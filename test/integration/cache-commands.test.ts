import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { CacheStore, StorageVerb } from '../../src/cache/cache-store.ts';
import { MemcachedNode } from '../../src/cache/memcached-node.ts';
import { PLACEHOLDER, PLACEHOLDER_FLAGS } from '../../src/cache/placeholder.ts';
import { createSessionCache } from '../../src/cache/session-cache.ts';
import { parseNode } from '../../src/memcached/node-address.ts';
import { OWN_KEYS } from '../../src/memcached/own-keys.ts';
import { PATIENT } from '../support/cache-replicated.ts';
import { startMemcached } from '../support/memcached.ts';
import { randomFrom } from '../support/random.ts';

async function startCache(t: TestContext, copies = 2) {
  const servers = await Promise.all([startMemcached(t), startMemcached(t), startMemcached(t)]);
  const names = servers.map(({ address }) => address);
  const cache = createSessionCache({
    nodes: names,
    placement: 'pymemcache',
    copies,
    timing: PATIENT,
  });
  t.after(() => cache.close());
  assert.equal(await cache.start(), true);
  const nodes = names.map((name) => startNode(t, name));
  return { ...cache, servers, nodes };
}

function startNode(t: TestContext, address: string): MemcachedNode {
  const node = new MemcachedNode(parseNode(address), { timing: PATIENT });
  t.after(() => node.close());
  return node;
}

/** One memcached with nothing in front of it. */
function storeOf(node: MemcachedNode): CacheStore {
  return {
    get: (key) => node.fetch(key),
    getMany: (keys) => node.fetchMany(keys),
    async getAndTouch(key, exptime) {
      const item = await node.fetch(key);
      if (item !== undefined) await node.touch(key, exptime);
      return item;
    },
    async store(verb, key, value, flags, exptime) {
      return (await node.store(verb, key, value, flags, exptime)) ? 'STORED' : 'NOT_STORED';
    },
    cas: (key, value, version, flags, exptime) => node.cas(key, value, version, flags, exptime),
    delete: (key) => node.delete(key),
    touch: (key, exptime) => node.touch(key, exptime),
    count: (verb, key, by) => node.count(verb, key, by),
    meta: (command) => node.meta(command),
    flush: () => node.flush(),
  };
}

/** The same random command on any store; versions are those that the store itself gave out. */
function randomCommand(random: () => number): (store: CacheStore) => Promise<unknown> {
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)]!;
  const key = pick(['a', 'b', 'c', 'd\u00e9', 'e']);
  const value = Buffer.from(pick(['1', '41', 'text', '', '\r\nEND\r\n', String(random())]));
  const exptime = pick([0, 0, 0, 100, -1]);
  const flags = pick([0, 1, 0xffff_ffff]);
  const isStale = random() < 0.4;
  const version = async (store: CacheStore) => (await store.get(key))?.cas ?? 2n ** 51n;
  const beside = async (store: CacheStore, token: bigint) => {
    if (isStale) await store.store('set', key, Buffer.from('between'), 0, 0);
    return token;
  };
  const withoutVersion = ({ line, value }: { line: string; value?: Buffer }) => ({
    line: line.replace(/ c\d+/, ' c'),
    value: value?.toString('latin1').replace(/ +$/, ''),
  });
  switch (
    pick(['get', 'many', 'gat', 'store', 'store', 'cas', 'delete', 'touch', 'count', 'meta'])
  ) {
    case 'get':
      return async (store) => summary(await store.get(key));
    case 'many':
      return async (store) =>
        [...(await store.getMany(['a', 'b', 'none', key]))]
          .map(([name, item]) => [name, summary(item)])
          .sort();
    case 'gat':
      return async (store) => summary(await store.getAndTouch(key, exptime));
    case 'store': {
      const verb = pick<StorageVerb>(['set', 'set', 'add', 'replace', 'append', 'prepend']);
      return (store) => store.store(verb, key, value, flags, exptime);
    }
    case 'cas':
      return async (store) => {
        const token = await beside(store, await version(store));
        return store.cas(key, value, token, flags, exptime);
      };
    case 'delete':
      return (store) => store.delete(key);
    case 'touch':
      return (store) => store.touch(key, exptime);
    case 'count': {
      const verb = pick(['incr', 'decr'] as const);
      return (store) => store.count(verb, key, 7n);
    }
    default: {
      const get = pick([['v', 'f', 's'], ['c'], ['v', 'T60', 't'], ['N30', 'v'], []]);
      const set = pick([
        [],
        ['T90'],
        ['ME'],
        ['MA'],
        ['MP'],
        ['MR'],
        ['F5', 'c'],
        ['C'],
        ['C', 'c'],
      ]);
      const verb = pick(['mg', 'ms', 'md'] as const);
      return async (store) => {
        if (verb === 'mg') return withoutVersion(await store.meta({ verb, key, flags: get }));
        const token = await beside(store, await version(store));
        if (verb === 'md') {
          const flags = isStale ? [`C${token}`] : [];
          return withoutVersion(await store.meta({ verb, key, flags }));
        }
        const flags = set.map((flag) => (flag === 'C' ? `C${token}` : flag));
        return withoutVersion(await store.meta({ verb, key, flags, value }));
      };
    }
  }
}

/**
 * Spaces at the end are left out: `decr` to a shorter number writes them or not, as it happens to
 * find the item in use (`do_add_delta` in memcached's `proto_text.c`).
 */
function summary(item: { value: Buffer; flags: number } | undefined) {
  return item && [item.value.toString('latin1').replace(/ +$/, ''), item.flags];
}

async function outcome(work: Promise<unknown>): Promise<unknown> {
  try {
    return await work;
  } catch (error) {
    return (error as { line?: string }).line ?? error;
  }
}

// Most of its time each waits for its cache to be full.
describe('the session cache on real nodes', { concurrency: 4 }, () => {
  for (const copies of [1, 2, 3]) {
    it(`answers as one memcached would, with ${copies} copies`, async (t) => {
      const { store, nodes } = await startCache(t, copies);
      const single = startNode(t, (await startMemcached(t)).address);
      const random = randomFrom(copies);
      for (let n = 0; n < 1500; n++) {
        const run = randomCommand(random);
        const [expected, actual] = [await outcome(run(storeOf(single))), await outcome(run(store))];
        assert.deepEqual(actual, expected, `command ${n}: ${run}`);
      }
      // Each item is on so many nodes, and the same on each.
      for (const key of ['a', 'b', 'c', 'd\u00e9', 'e']) {
        const expected = summary(await single.fetch(key));
        const found = (await Promise.all(nodes.map((node) => node.fetch(key)))).filter(Boolean);
        for (const item of found) assert.deepEqual(summary(item), expected, key);
        assert.ok(expected === undefined ? found.length === 0 : found.length <= copies, key);
      }
    });
  }

  it('keeps every item on its first two nodes, and only there', async (t) => {
    const { store, nodes } = await startCache(t);
    const keys = Array.from({ length: 100 }, (_, n) => `:1:key${n}`);
    await Promise.all(keys.map((key) => store.store('set', key, Buffer.from(key), 1, 0)));
    for (const key of keys) {
      const copies = await Promise.all(nodes.map((node) => node.fetch(key)));
      assert.equal(copies.filter((item) => item?.value.toString() === key).length, 2);
    }
  });

  it('says what a node says of a value that is too large, and keeps no older one', async (t) => {
    const { store } = await startCache(t);
    await store.store('set', 'a', Buffer.from('old'), 0, 0);
    await assert.rejects(store.store('set', 'a', Buffer.alloc(1024 * 1024), 0, 0), {
      line: 'SERVER_ERROR object too large for cache',
    });
    assert.equal(await store.get('a'), undefined);
  });

  it('shows and gives nobody the items that it keeps for itself', async (t) => {
    const { store } = await startCache(t);
    const key = 'dashgate:cache:view';
    assert.equal(await store.get(key), undefined);
    assert.deepEqual(await store.getMany([key, 'a']), new Map());
    const line = /^CLIENT_ERROR /;
    await assert.rejects(store.delete(key), { line });
    await assert.rejects(store.store('set', key, Buffer.from('x'), 0, 0), { line });
    await assert.rejects(store.meta({ verb: 'md', key, flags: [] }), { line });
  });

  it('lets nobody at what gateways keep beside the items: decisions, pins, counts, logins', async (t) => {
    const { store, nodes } = await startCache(t);
    const line = /^CLIENT_ERROR /;
    const value = Buffer.from('x');
    for (const prefix of Object.values(OWN_KEYS)) {
      const key = `${prefix}of-a-gateway`;
      for (const node of nodes) await node.store('set', key, Buffer.from('own'), 0, 0);
      assert.equal(await store.get(key), undefined, key);
      assert.equal(await store.getAndTouch(key, 1), undefined, key);
      assert.deepEqual(await store.getMany([key]), new Map(), key);
      await assert.rejects(store.store('set', key, value, 0, 0), { line }, key);
      await assert.rejects(store.store('append', key, value, 0, 0), { line }, key);
      await assert.rejects(store.cas(key, value, 1n, 0, 0), { line }, key);
      await assert.rejects(store.delete(key), { line }, key);
      await assert.rejects(store.touch(key, 1), { line }, key);
      await assert.rejects(store.count('incr', key, 1n), { line }, key);
      for (const verb of ['mg', 'md'] as const) {
        await assert.rejects(store.meta({ verb, key, flags: ['v'] }), { line }, key);
      }
      for (const node of nodes) assert.equal((await node.fetch(key))?.value.toString(), 'own', key);
    }
    assert.equal(await store.store('set', 'dashgate:1:of-a-django', value, 0, 0), 'STORED');
  });

  it('does not count what is only the place of an item that is being copied', async (t) => {
    const { store, nodes } = await startCache(t);
    for (const node of nodes) await node.store('set', 'n', PLACEHOLDER, PLACEHOLDER_FLAGS, 60);
    assert.equal(await store.count('incr', 'n', 1n), undefined);
    for (const node of nodes) await node.store('set', 'n', PLACEHOLDER, 0, 60);
    await assert.rejects(store.count('incr', 'n', 1n), /non-numeric/);
  });

  it('refuses a version that another node or another epoch has counted', async (t) => {
    const { store, nodes } = await startCache(t);
    // Where two nodes count alike, the version of one with the name of the other is good there.
    for (const [index, node] of nodes.entries()) {
      for (let n = 0; n < 100 * index; n += 1) {
        await node.store('set', 'other', Buffer.from('x'), 0, 0);
      }
    }
    await store.store('set', 'a', Buffer.from('1'), 0, 0);
    const { cas } = (await store.get('a'))!;
    for (const token of [cas ^ 1n, cas ^ 16n, cas + 4096n, 0n, 2n ** 64n - 1n]) {
      assert.equal(await store.cas('a', Buffer.from('2'), token, 0, 0), 'EXISTS');
    }
    assert.equal(await store.cas('none', Buffer.from('2'), cas, 0, 0), 'NOT_FOUND');
    assert.equal(await store.cas('a', Buffer.from('2'), cas, 0, 0), 'STORED');
  });

  it('flushes every node and believes them still', async (t) => {
    const { store, health } = await startCache(t);
    await store.store('set', 'a', Buffer.from('1'), 0, 0);
    await store.flush();
    assert.equal(await store.get('a'), undefined);
    await store.store('set', 'a', Buffer.from('2'), 0, 0);
    // Longer than it takes to notice that a node has lost its view.
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.deepEqual(
      health().nodes.map(({ state }) => state),
      ['full', 'full', 'full'],
    );
    assert.equal((await store.get('a'))?.value.toString(), '2');
  });

  it('refuses nodes and copies that cannot be', () => {
    const options = { nodes: ['a:1', 'b:1'], placement: 'pymemcache' } as const;
    assert.throws(() => createSessionCache({ ...options, copies: 4 }), /choose 1, 2 or 3/);
    assert.throws(() => createSessionCache({ ...options, nodes: [] }), /at least one/);
    const many = Array.from({ length: 17 }, (_, n) => `a:${n + 1}`);
    assert.throws(() => createSessionCache({ ...options, nodes: many }), /at most 16/);
  });
});
