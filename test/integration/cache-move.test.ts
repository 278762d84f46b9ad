import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { type CacheTiming, DEFAULT_CACHE_TIMING } from '../../src/cache/cache-timing.ts';
import { MemcachedNode } from '../../src/cache/memcached-node.ts';
import {
  createSessionCache,
  type NodeOptions,
  type SessionCache,
} from '../../src/cache/session-cache.ts';
import { parseNode, parseNodes } from '../../src/memcached/node-address.ts';
import { createPlacement } from '../../src/memcached/placement.ts';
import { recordingLogger } from '../support/log.ts';
import { type RunningMemcached, startMemcached } from '../support/memcached.ts';
import { until } from '../support/until.ts';

const KEYS = Array.from({ length: 90 }, (_, n) => `:1:django.contrib.sessions.cache${n}`);
const PLACEMENT = 'python-memcached';

/** Deadlines that a busy machine keeps, too: no node counts as failed here but those that are. */
const TIMING: CacheTiming = {
  ...DEFAULT_CACHE_TIMING,
  readDeadlineMs: 250,
  writeDeadlineMs: 500,
  pollDeadlineMs: 250,
  leaseMs: 600,
  leaseWaitMs: 610,
  establishMs: 600,
};

interface Lab {
  readonly servers: RunningMemcached[];
  /** The addresses of the servers of these numbers. */
  list(...numbers: number[]): string[];
  /** A gateway's cache on these nodes, and what it logs. */
  start(nodes: readonly string[]): Promise<SessionCache & { messages(): string[] }>;
}

async function startLab(t: TestContext, count: number): Promise<Lab> {
  const servers = await Promise.all(Array.from({ length: count }, () => startMemcached(t)));
  return {
    servers,
    list: (...numbers) => numbers.map((number) => servers[number]!.address),
    async start(nodes) {
      const { logger, lines } = recordingLogger();
      const cache = createSessionCache({ nodes, placement: PLACEMENT, logger, timing: TIMING });
      t.after(() => cache.close());
      if (!(await cache.start())) await until('it is sure', () => cache.health().sure);
      return { ...cache, messages: () => lines.map(({ msg }) => String(msg)) };
    },
  };
}

/** Whether a cache is on these nodes and no others, and believes them all. */
function isOn({ health }: SessionCache, nodes: readonly string[]): boolean {
  const { sure, nodes: all, move } = health();
  const names = all.filter(({ state, reachable }) => state === 'full' && reachable);
  return (
    sure &&
    move === undefined &&
    all.length === nodes.length &&
    names.every(({ node }) => nodes.includes(node)) &&
    names.length === nodes.length
  );
}

async function moved(caches: readonly SessionCache[], nodes: readonly string[]): Promise<void> {
  await until(
    'every gateway is on the new nodes',
    () => caches.every((cache) => isOn(cache, nodes)),
    30_000,
  );
}

/** Clients of every gateway, whose sessions are counted up, deleted and never lost, until stopped. */
function startTraffic(caches: readonly SessionCache[]) {
  let goesOn = true;
  let rounds = 0;
  const client = async (n: number) => {
    for (let count = 0; goesOn; count++) {
      const key = `:1:traffic${n}-${count % 30}`;
      const [writer, reader] = [caches[n % caches.length]!, caches[count % caches.length]!];
      await writer.store.store('set', key, Buffer.from(`${count}`), 1, 3600);
      assert.equal((await reader.store.get(key))?.value.toString(), `${count}`);
      if (count % 3 === 0) {
        assert.equal(await reader.store.delete(key), true);
        assert.equal(await writer.store.get(key), undefined);
      }
      const old = KEYS[(count * 7 + n) % KEYS.length]!;
      assert.equal((await reader.store.get(old))?.value.toString(), old);
      rounds++;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const done = Promise.all([0, 1, 2, 3].map(client));
  return {
    async stop(): Promise<void> {
      const goal = rounds + 50;
      await Promise.race([done, until('50 rounds more', () => rounds >= goal)]);
      goesOn = false;
      await done;
    },
  };
}

async function fill({ store }: SessionCache): Promise<void> {
  for (const key of KEYS) await store.store('set', key, Buffer.from(key), 1, 3600);
}

async function assertFilled(caches: readonly SessionCache[], when: string): Promise<void> {
  for (const { store } of caches) {
    for (const key of KEYS) {
      assert.equal((await store.get(key))?.value.toString(), key, `${key} ${when}`);
    }
  }
}

/** The nodes themselves, asked without the cache. */
function openNodes(t: TestContext, nodes: readonly string[]): MemcachedNode[] {
  const timing = { ...TIMING, writeDeadlineMs: 5000 };
  const there = nodes.map((node) => new MemcachedNode(parseNode(node), { timing }));
  for (const node of there) t.after(() => node.close());
  return there;
}

/** Each key is where a client of these nodes would look for it, and on the next one. */
async function assertPlaced(t: TestContext, { nodes, placement, copies = 2 }: NodeOptions) {
  const order = createPlacement(placement, parseNodes(nodes));
  const there = openNodes(t, nodes);
  for (const key of KEYS) {
    for (const index of order(key).slice(0, copies)) {
      assert.equal((await there[index]!.fetch(key))?.value.toString(), key, key);
    }
  }
}

const MOVES: Record<string, { from: number[]; to: number[] }> = {
  'a node more': { from: [0, 1, 2], to: [0, 1, 2, 3] },
  'a node fewer': { from: [0, 1, 2, 3], to: [0, 1, 3] },
  'other nodes altogether': { from: [0, 1, 2], to: [3, 4, 5] },
  'the same nodes in another order': { from: [0, 1, 2], to: [2, 0, 1] },
};

describe('the session cache is moved', { concurrency: 4 }, () => {
  for (const [what, { from, to }] of Object.entries(MOVES)) {
    it(`to ${what} while clients of two gateways go on, and loses nothing`, async (t) => {
      const lab = await startLab(t, 6);
      const [before, after] = [lab.list(...from), lab.list(...to)];
      const caches = [await lab.start(before), await lab.start(before)];
      await fill(caches[0]!);
      const traffic = startTraffic(caches);
      caches[0]!.moveTo({ nodes: after, placement: PLACEMENT });
      await until('the other gateway knows', () => caches[1]!.health().move !== undefined);
      caches[1]!.moveTo({ nodes: after, placement: PLACEMENT });
      await moved(caches, after);
      await traffic.stop();
      await assertPlaced(t, { nodes: after, placement: PLACEMENT });

      // What is no longer needed is gone for good, and one of the others is lost, too.
      const left = lab.servers.filter(({ address }) => !after.includes(address));
      await Promise.all(left.map((server) => server.kill()));
      await lab.servers[to[1]!]!.kill();
      await assertFilled(caches, 'without a node');
    });
  }

  it('to another placement and more copies', async (t) => {
    const lab = await startLab(t, 3);
    const nodes = lab.list(0, 1, 2);
    const cache = await lab.start(nodes);
    await fill(cache);
    const target = { nodes, placement: 'pylibmc-ketama', copies: 3 } as const;
    cache.moveTo(target);
    await until('it begins', () => cache.health().move !== undefined);
    await moved([cache], nodes);
    await assertPlaced(t, target);
    await lab.servers[0]!.kill();
    await assertFilled([cache], 'on one of the nodes that are left');
  });

  it('away from a node that is dead, and to one that dies on the way and comes back', async (t) => {
    const lab = await startLab(t, 4);
    const caches = [await lab.start(lab.list(0, 1, 2)), await lab.start(lab.list(0, 1, 2))];
    await fill(caches[0]!);
    await lab.servers[2]!.kill();
    await until('the loss is known', () =>
      caches.every((cache) => cache.health().nodes[2]!.state === 'behind'),
    );
    const traffic = startTraffic(caches);
    for (const cache of caches) {
      cache.moveTo({ nodes: lab.list(0, 1, 3), placement: PLACEMENT });
    }
    await until('it begins', () => caches.every((cache) => cache.health().move !== undefined));
    await lab.servers[3]!.kill();
    await until('the new node is missed', () =>
      caches.every(({ health }) =>
        health().nodes.some(
          ({ node, reachable }) => node === lab.servers[3]!.address && !reachable,
        ),
      ),
    );
    lab.servers[3] = await startMemcached(t, { port: lab.servers[3]!.port });
    await moved(caches, lab.list(0, 1, 3));
    await traffic.stop();
    await assertFilled(caches, 'after all that');
  });

  it('by one gateway alone: the others follow, also one that is started with the old nodes', async (t) => {
    const lab = await startLab(t, 4);
    const first = await lab.start(lab.list(0, 1, 2));
    await fill(first);
    first.moveTo({ nodes: lab.list(0, 1, 3), placement: PLACEMENT });
    await moved([first], lab.list(0, 1, 3));
    const second = await lab.start(lab.list(0, 1, 2));
    await moved([first, second], lab.list(0, 1, 3));
    const told = 'MEMCACHED_SERVERS is not what the gateways have moved to: theirs is used';
    await until('it is told', () => second.messages().includes(told));
    await assertFilled([first, second], 'by both');
    // Told to by an operator it goes back, though that is where the cache was.
    second.moveTo({ nodes: lab.list(0, 1, 3), placement: PLACEMENT });
    second.moveTo({ nodes: lab.list(0, 1, 2), placement: PLACEMENT });
    await until('it begins', () => first.health().move !== undefined);
    await moved([first, second], lab.list(0, 1, 2));
    await assertFilled([first, second], 'back');
  });

  it('by a gateway that is started with other nodes than the others', async (t) => {
    const lab = await startLab(t, 4);
    const first = await lab.start(lab.list(0, 1, 2));
    await fill(first);
    const second = await lab.start(lab.list(0, 1, 3));
    await moved([first, second], lab.list(0, 1, 3));
    await assertFilled([first, second], 'by both');
  });

  it('not at all where a new node cannot be reached, which is told, and to others when told so', async (t) => {
    const lab = await startLab(t, 4);
    const cache = await lab.start(lab.list(0, 1, 2));
    await fill(cache);
    cache.moveTo({ nodes: [...lab.list(0, 1), '127.0.0.1:9'], placement: PLACEMENT });
    const told = 'the session cache stays with its nodes until it can move to the new ones';
    await until('it is told', () => cache.messages().includes(told));
    assert.equal(cache.messages().filter((message) => message === told).length, 1);
    assert.ok(isOn(cache, lab.list(0, 1, 2)));
    assert.throws(() => cache.moveTo({ nodes: ['a:1', 'a:1'], placement: PLACEMENT }), /twice/);
    cache.moveTo({ nodes: lab.list(0, 1, 3), placement: PLACEMENT });
    await moved([cache], lab.list(0, 1, 3));
    await assertFilled([cache], 'after the slip');
  });

  it('and what is deleted meanwhile stays deleted, whichever nodes are asked', async (t) => {
    const lab = await startLab(t, 5);
    const caches = [await lab.start(lab.list(0, 1, 2)), await lab.start(lab.list(0, 1, 2))];
    await fill(caches[0]!);
    const targets = [lab.list(3, 4, 0), lab.list(0, 1, 2), lab.list(4, 2, 1, 3)];
    const deleted: string[] = [];
    for (const nodes of targets) {
      for (const cache of caches) cache.moveTo({ nodes, placement: PLACEMENT });
      await until('it begins', () => caches[1]!.health().move !== undefined);
      // A move comes round to nodes that still have what they had when they were left.
      for (const key of KEYS.slice(deleted.length, deleted.length + 30)) {
        assert.equal(await caches[deleted.length % 2]!.store.delete(key), true);
        deleted.push(key);
      }
      await moved(caches, nodes);
      for (const { store } of caches) {
        for (const key of deleted) assert.equal(await store.get(key), undefined, key);
      }
    }
  });

  it("in front of nodes that hold what the dashboards' own client has put on one each", async (t) => {
    const lab = await startLab(t, 3);
    const nodes = lab.list(0, 1, 2);
    const order = createPlacement(PLACEMENT, parseNodes(nodes));
    const there = openNodes(t, nodes);
    for (const key of KEYS) {
      const [first, second] = order(key);
      await there[first!]!.store('set', key, Buffer.from(key), 1, 3600);
      // A client that once took the first node for dead has left older values on the next.
      await there[second!]!.store('set', key, Buffer.from('old'), 1, 3600);
    }
    const caches = await Promise.all([lab.start(nodes), lab.start(nodes)]);
    // Longer than it takes to give up a node of whose items there are others.
    await lab.servers[0]!.pause();
    const { promise: over, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, 2 * TIMING.writeDeadlineMs);
    const traffic = startTraffic(caches);
    await over;
    lab.servers[0]!.resume();
    await moved(caches, nodes);
    await traffic.stop();
    await assertPlaced(t, { nodes, placement: PLACEMENT });
    await lab.servers[1]!.kill();
    await assertFilled(caches, 'without a node');
  });
});
