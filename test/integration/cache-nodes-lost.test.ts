import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { DEFAULT_CACHE_TIMING } from '../../src/cache/cache-timing.ts';
import { createSessionCache, type SessionCache } from '../../src/cache/session-cache.ts';
import { UnavailableError } from '../../src/memcached/client.ts';
import { parseNode } from '../../src/memcached/node-address.ts';
import { type CutProxy, startCutProxy } from '../support/cut-proxy.ts';
import { type RunningMemcached, startMemcached } from '../support/memcached.ts';
import { until } from '../support/until.ts';

const KEYS = Array.from({ length: 60 }, (_, n) => `:1:django.contrib.sessions.cache${n}`);
/** Half a second is the promise; the rest is for a machine that has other things to do. */
const MAX_MS = 1500;
/** Much longer than a node may be silent while there are two others. */
const A_MOMENT_MS = 400;

interface Lab {
  readonly nodes: RunningMemcached[];
  /** By gateway, then by node: the gateway's way to the node. */
  readonly ways: readonly (readonly CutProxy[])[];
  readonly caches: readonly [SessionCache, SessionCache];
}

/** Three real nodes, and two gateways that reach them on ways of their own. */
async function startLab(t: TestContext): Promise<Lab> {
  const nodes = await Promise.all([startMemcached(t), startMemcached(t), startMemcached(t)]);
  const names = nodes.map(({ address }) => address);
  const ways = await Promise.all(
    [0, 1].map(() => Promise.all(nodes.map(({ port }) => startCutProxy(t, port)))),
  );
  const [first, second] = ways.map((theirs) =>
    createSessionCache({
      nodes: names,
      placement: 'pymemcache',
      reachedAt: ({ text }) => parseNode(theirs[names.indexOf(text)]!.address),
    }),
  );
  const caches = [first!, second!] as const;
  for (const cache of caches) t.after(() => cache.close());
  assert.deepEqual(await Promise.all(caches.map((cache) => cache.start())), [true, true]);
  return { nodes, ways, caches };
}

function isWhole({ caches }: Lab): boolean {
  return caches.every((cache) => {
    const { sure, nodes } = cache.health();
    return sure && nodes.every(({ state, reachable }) => state === 'full' && reachable);
  });
}

function isBehind({ caches }: Lab, node: number): boolean {
  return caches.every((cache) => cache.health().nodes[node]!.state !== 'full');
}

async function setAll({ caches }: Lab, text: string): Promise<void> {
  await Promise.all(
    KEYS.map((key, n) => caches[n % 2]!.store.store('set', key, Buffer.from(text + n), 1, 3600)),
  );
}

/** Has every key on its nodes, and these believed: on a busy machine they may have been too slow for it. */
async function fill(lab: Lab): Promise<void> {
  await setAll(lab, 'first');
  await until('all nodes are whole', () => isWhole(lab), 20_000);
}

async function assertAll({ caches }: Lab, text: string): Promise<void> {
  for (const { store } of caches) {
    for (const [n, key] of KEYS.entries()) {
      assert.equal((await store.get(key))?.value.toString(), text + n, key);
    }
  }
}

/** Clients of both gateways that write a session and read it back, until they are stopped. */
function startTraffic({ caches }: Lab) {
  let goesOn = true;
  let rounds = 0;
  let slowest = 0;
  const timed = async <T>(work: Promise<T>): Promise<T> => {
    const start = performance.now();
    const result = await work;
    slowest = Math.max(slowest, performance.now() - start);
    return result;
  };
  const client = async ({ store }: SessionCache, other: SessionCache, name: string) => {
    for (let n = 0; goesOn; n++) {
      const key = `:1:traffic${name}${n % 20}`;
      const value = Buffer.from(`${name}-${n}`);
      await timed(store.store('set', key, value, 1, 3600));
      assert.deepEqual((await timed(other.store.get(key)))?.value, value);
      if (n % 3 === 0) {
        assert.equal(await timed(store.delete(key)), true);
        assert.equal(await timed(other.store.get(key)), undefined);
      }
      rounds++;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };
  const [a, b] = caches;
  const done = Promise.all([client(a, b, 'a'), client(b, a, 'b'), client(a, a, 'c')]);
  return {
    /** Resolves when so many more rounds were done, or rejects with what went wrong. */
    async more(count: number): Promise<void> {
      const goal = rounds + count;
      await Promise.race([done, until(`${count} rounds`, () => rounds >= goal, 30_000)]);
    },
    async stop(): Promise<void> {
      goesOn = false;
      await done;
      assert.ok(slowest < MAX_MS, `the slowest answer took ${slowest.toFixed()} ms`);
    },
  };
}

const LOSSES: Record<string, (lab: Lab, node: number) => Promise<() => Promise<unknown>>> = {
  'killed and restarted empty': async ({ nodes }, node) => {
    const { port } = nodes[node]!;
    await nodes[node]!.kill();
    return async () => {
      nodes[node] = await startMemcached(undefined, { port });
    };
  },
  'paused (SIGSTOP) and resumed with what it had': async ({ nodes }, node) => {
    await nodes[node]!.pause();
    return async () => nodes[node]!.resume();
  },
  'cut off from one gateway and reached again': async ({ ways }, node) => {
    ways[0]![node]!.cut();
    return async () => ways[0]![node]!.mend();
  },
  'cut off from both gateways and reached again': async ({ ways }, node) => {
    for (const theirs of ways) theirs[node]!.cut();
    return async () => {
      for (const theirs of ways) theirs[node]!.mend();
    };
  },
};

describe('the session cache on three real nodes', () => {
  it('waits for the last full copy of an item where a second node stands still for a moment', async (t) => {
    const lab = await startLab(t);
    const [{ store, health }] = lab.caches;
    await fill(lab);
    await lab.nodes[0]!.kill();
    await until('both gateways know', () => isBehind(lab, 0));
    await lab.nodes[1]!.pause();
    const reads = Promise.all(KEYS.map((key) => store.get(key)));
    const writes = Promise.all(
      KEYS.map((key, n) => store.store('set', `${key}+`, Buffer.from(`second${n}`), 1, 3600)),
    );
    await delay(A_MOMENT_MS);
    lab.nodes[1]!.resume();
    for (const [n, item] of (await reads).entries()) {
      assert.equal(item?.value.toString(), `first${n}`);
    }
    await writes;
    for (const [n, key] of KEYS.entries()) {
      assert.equal((await store.get(`${key}+`))?.value.toString(), `second${n}`);
    }
    assert.deepEqual(
      health().nodes.map(({ state }) => state === 'behind'),
      [true, false, false],
    );
  });

  /** What a gateway goes through while a network is changed over. */
  const CHANGES: Record<string, (lab: Lab) => Promise<() => void>> = {
    'all nodes stood still': async ({ nodes }) => {
      await Promise.all(nodes.map((node) => node.pause()));
      return () => {
        for (const node of nodes) node.resume();
      };
    },
    'no node took a connection': async ({ ways }) => {
      for (const way of ways.flat()) way.refuse();
      return () => {
        for (const way of ways.flat()) way.mend();
      };
    },
  };

  for (const [change, begin] of Object.entries(CHANGES)) {
    it(`reads late, and without an error, what was asked for while ${change} for a moment`, async (t) => {
      const lab = await startLab(t);
      await fill(lab);
      const end = await begin(lab);
      const reads = Promise.all(KEYS.map((key) => lab.caches[0].store.get(key)));
      await delay(A_MOMENT_MS);
      end();
      for (const [n, item] of (await reads).entries()) {
        assert.equal(item?.value.toString(), `first${n}`);
      }
    });
  }

  it('writes late, and without an error, what was to be stored while all nodes stood still for a moment', async (t) => {
    const lab = await startLab(t);
    const [{ store }] = lab.caches;
    await fill(lab);
    const end = await CHANGES['all nodes stood still']!(lab);
    const writes = setAll(lab, 'second');
    await delay(A_MOMENT_MS);
    end();
    await writes;
    for (const [n, key] of KEYS.entries()) {
      assert.equal((await store.get(key))?.value.toString(), `second${n}`);
    }
  });

  it('waits once for nodes that are gone, and not at every reading', async (t) => {
    const lab = await startLab(t);
    const [{ store }] = lab.caches;
    await Promise.all(lab.nodes.map((node) => node.kill()));
    await assert.rejects(store.get(KEYS[0]!), UnavailableError);
    const began = performance.now();
    await assert.rejects(store.get(KEYS[0]!), UnavailableError);
    assert.ok(performance.now() - began < DEFAULT_CACHE_TIMING.silenceMs / 2);
  });

  it('waits anew where nobody has asked for a long time: they may have been well meanwhile', async (t) => {
    const node = await startMemcached(t);
    const timing = { ...DEFAULT_CACHE_TIMING, silenceMs: 100 };
    const cache = createSessionCache({ nodes: [node.address], placement: 'pymemcache', timing });
    t.after(() => cache.close());
    await cache.start();
    await node.kill();
    await assert.rejects(cache.store.get(KEYS[0]!), UnavailableError);
    await delay(11 * timing.silenceMs);
    const began = performance.now();
    await assert.rejects(cache.store.get(KEYS[0]!), UnavailableError);
    assert.ok(performance.now() - began > timing.silenceMs * 0.9);
  });

  for (const [loss, lose] of Object.entries(LOSSES)) {
    it(`shows nobody that a node is ${loss}`, async (t) => {
      const lab = await startLab(t);
      t.after(() => Promise.all(lab.nodes.map((node) => node.kill())));
      await fill(lab);
      const traffic = startTraffic(lab);
      const node = 1;
      const heal = await lose(lab, node);
      await until('both gateways know', () => isBehind(lab, node));
      await traffic.more(50);
      await assertAll(lab, 'first');
      const [deleted, changed] = [KEYS.slice(0, 20), KEYS.slice(20, 40)];
      await Promise.all(deleted.map((key) => lab.caches[0].store.delete(key)));
      await Promise.all(
        changed.map((key) => lab.caches[1].store.store('set', key, Buffer.from('new'), 1, 3600)),
      );
      await heal();
      await until('the node is believed again', () => isWhole(lab), 30_000);
      await traffic.more(50);
      await traffic.stop();

      // Each of the others is lost in turn, so that the node that came back has to answer.
      for (const other of [0, 2]) {
        await lab.nodes[other]!.pause();
        for (const { store } of lab.caches) {
          for (const [n, key] of KEYS.entries()) {
            const expected = n < 20 ? undefined : n < 40 ? 'new' : `first${n}`;
            assert.equal((await store.get(key))?.value.toString(), expected, key);
          }
        }
        lab.nodes[other]!.resume();
        await until('all are believed again', () => isWhole(lab), 30_000);
      }
    });
  }
});
