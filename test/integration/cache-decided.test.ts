import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { MemcachedNode } from '../../src/cache/memcached-node.ts';
import { createSessionCache } from '../../src/cache/session-cache.ts';
import { parseNode } from '../../src/memcached/node-address.ts';
import { createPlacement } from '../../src/memcached/placement.ts';
import { PATIENT } from '../support/cache-replicated.ts';
import { startCutProxy } from '../support/cut-proxy.ts';
import { startMemcached } from '../support/memcached.ts';
import { until } from '../support/until.ts';

/** How long the way to a node takes, in ms, where a command is to be met under way. */
const SLOW_MS = 100;

type Options = Partial<Parameters<typeof createSessionCache>[0]>;

/** Three memcached nodes, each on a way of its own for the gateways of this test. */
async function startLab(t: TestContext) {
  const servers = await Promise.all([0, 1, 2].map(() => startMemcached(t)));
  const ways = await Promise.all(servers.map(({ port }) => startCutProxy(t, port)));
  const names = servers.map(({ address }) => address);
  const nodes = names.map((name) => {
    const node = new MemcachedNode(parseNode(name), { timing: PATIENT });
    t.after(() => node.close());
    return node;
  });
  const place = createPlacement('pymemcache', names.map(parseNode));
  return {
    ways,
    nodes,
    /** A key that the first of these nodes decides on, and the second one has, too. */
    key(name: string, [first, second] = [0, 1]): string {
      for (let n = 0; ; n++) {
        const key = `:1:${name}${n}`;
        const [one, other] = place(key);
        if (one === first && other === second) return key;
      }
    },
    /** A gateway; its ways are slow and cut where they are told to be. */
    async gateway(more: Options = {}) {
      const cache = createSessionCache({
        nodes: names,
        placement: 'pymemcache',
        timing: PATIENT,
        ...more,
      });
      t.after(() => cache.close());
      assert.equal(await cache.start(), true);
      await until('every node is full', () =>
        cache.health().nodes.every(({ state, reachable }) => state === 'full' && reachable),
      );
      return cache;
    },
    reachedAt: (address: { readonly text: string }) =>
      parseNode(ways[names.indexOf(address.text)]!.address),
  };
}

const bytes = (text: string) => Buffer.from(text);

describe('what one node decides', { concurrency: true }, () => {
  it('comes to nothing where the item is deleted through another gateway meanwhile', async (t) => {
    const lab = await startLab(t);
    const slow = await lab.gateway({ reachedAt: lab.reachedAt });
    const { store } = await lab.gateway();
    for (const way of lab.ways) way.slow(SLOW_MS);
    const acts: Record<string, (key: string) => Promise<unknown>> = {
      cas: async (key) => slow.store.cas(key, bytes('new'), (await store.get(key))!.cas, 0, 0),
      replace: (key) => slow.store.store('replace', key, bytes('new'), 0, 0),
      ms: (key) => slow.store.meta({ verb: 'ms', key, flags: ['MR'], value: bytes('new') }),
      append: (key) => slow.store.store('append', key, bytes('new'), 0, 0),
    };
    for (const [name, act] of Object.entries(acts)) {
      const key = lab.key(name);
      await store.store('set', key, bytes('old'), 0, 0);
      const done = act(key);
      await until('the first node has it', async () => {
        return String((await lab.nodes[0]!.fetch(key))?.value).includes('new');
      });
      assert.equal(await store.delete(key), true);
      await done;
      assert.equal(await store.get(key), undefined, name);
    }
  });

  it('is done once where another node is lost meanwhile', async (t) => {
    const lab = await startLab(t);
    const { store, health } = await lab.gateway({ reachedAt: lab.reachedAt });
    const other = lab.key('other', [1, 2]);
    const during = async <T>(act: () => Promise<T>, isDone: () => Promise<boolean>): Promise<T> => {
      await until(
        'every node is full',
        () => health().nodes.every((one) => one.state === 'full'),
        20_000,
      );
      lab.ways[0]!.slow(SLOW_MS);
      const done = act();
      await until('the first node has done it', isDone);
      lab.ways[1]!.refuse();
      // Another command notices.
      await store.store('set', other, bytes('x'), 0, 0);
      const answer = await done;
      lab.ways[0]!.mend();
      lab.ways[1]!.mend();
      return answer;
    };
    const on = async (key: string) => String((await lab.nodes[0]!.fetch(key))?.value);
    const count = lab.key('count');
    await store.store('set', count, bytes('10'), 0, 0);
    const counted = await during(
      () => store.count('incr', count, 1n),
      async () => (await on(count)) === '11',
    );
    assert.deepEqual([counted, await on(count)], [11n, '11']);

    const joined = lab.key('joined');
    await store.store('set', joined, bytes('a'), 0, 0);
    await during(
      () => store.store('append', joined, bytes('b'), 0, 0),
      async () => (await on(joined)) === 'ab',
    );
    assert.equal(await on(joined), 'ab');

    const versioned = lab.key('versioned');
    await store.store('set', versioned, bytes('old'), 0, 0);
    const { cas } = (await store.get(versioned))!;
    const stored = await during(
      () => store.cas(versioned, bytes('new'), cas, 0, 0),
      async () => (await on(versioned)) === 'new',
    );
    assert.deepEqual([stored, await on(versioned)], ['STORED', 'new']);
  });

  it('is not said to be absent where that node alone has lost the item', async (t) => {
    const lab = await startLab(t);
    const { store } = await lab.gateway();
    const key = lab.key('evicted');
    await store.store('set', key, bytes('v'), 0, 0);
    const { cas } = (await store.get(key))!;
    await lab.nodes[0]!.delete(key);
    assert.equal(await store.cas(key, bytes('new'), cas, 0, 0), 'EXISTS');
    assert.equal((await store.meta({ verb: 'md', key, flags: [`C${cas}`] })).line, 'EX');
    assert.equal(String((await store.get(key))?.value), 'v');
  });

  it('goes by versions that are good through any gateway, whatever nodes came and went there', async (t) => {
    const lab = await startLab(t);
    const [one, other] = [await lab.gateway(), await lab.gateway()];
    const key = lab.key('token');
    await one.store.store('set', key, bytes('v'), 0, 0);
    const { cas } = (await one.store.get(key))!;
    assert.equal((await other.store.get(key))!.cas, cas);
    assert.equal(await other.store.cas(key, bytes('w'), cas, 0, 0), 'STORED');
    assert.equal(await one.store.cas(key, bytes('x'), cas, 0, 0), 'EXISTS');
  });

  it('makes an empty item on no other node', async (t) => {
    const lab = await startLab(t);
    const { store } = await lab.gateway();
    const key = lab.key('vivified');
    const { line } = await store.meta({ verb: 'mg', key, flags: ['v', 'N30'] });
    assert.match(line, /^VA 0/);
    assert.equal(await lab.nodes[1]!.fetch(key), undefined);
  });
});
