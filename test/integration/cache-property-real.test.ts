import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createSessionCache, type SessionCache } from '../../src/cache/session-cache.ts';
import { parseNode } from '../../src/memcached/node-address.ts';
import { judge, type Operation } from '../support/cache-history.ts';
import { type CutProxy, startCutProxy } from '../support/cut-proxy.ts';
import { type RunningMemcached, startMemcached } from '../support/memcached.ts';
import { randomFrom } from '../support/random.ts';
import { until } from '../support/until.ts';

const SCHEDULES = 6;
const TROUBLES = 5;
const KEYS = ['a', 'b', 'c', 'd', 'e'].map((name) => `:1:${name}`);
const CLIENTS_PER_GATEWAY = 3;

interface Lab {
  readonly nodes: RunningMemcached[];
  /** By gateway, then by node. */
  readonly ways: readonly (readonly CutProxy[])[];
  readonly caches: readonly SessionCache[];
  readonly names: readonly string[];
}

/** Three nodes and one in reserve, and two gateways that reach them on ways of their own. */
async function startLab(t: TestContext): Promise<Lab> {
  const nodes = await Promise.all([0, 1, 2, 3].map(() => startMemcached(t)));
  const names = nodes.map(({ address }) => address);
  const ways = await Promise.all(
    [0, 1].map(() => Promise.all(nodes.map(({ port }) => startCutProxy(t, port)))),
  );
  const caches = ways.map((theirs) =>
    createSessionCache({
      nodes: names.slice(0, 3),
      placement: 'python-memcached',
      whenUnsure: 'refuse',
      reachedAt: ({ text }) => parseNode(theirs[names.indexOf(text)]!.address),
    }),
  );
  for (const cache of caches) t.after(() => cache.close());
  t.after(() => Promise.all(nodes.map((node) => node.kill())));
  for (const cache of caches) assert.equal(await cache.start(), true);
  return { nodes, ways, caches, names };
}

function isWhole({ caches }: Lab): boolean {
  return caches.every(({ health }) => {
    const { sure, move, nodes } = health();
    return sure && !move && nodes.every(({ state, reachable }) => state === 'full' && reachable);
  });
}

/** Clients that write, read and delete until they are stopped. */
function startClients({ caches }: Lab, random: () => number) {
  const operations: Operation[] = [];
  let goesOn = true;
  let values = 0;
  const carryOut = async (store: SessionCache['store'], operation: Operation) => {
    const { kind, key, value } = operation;
    if (kind === 'get') operation.value = (await store.get(key))?.value.toString();
    else if (kind === 'delete') await store.delete(key);
    else {
      const answer = await store.store(kind, key, Buffer.from(value!), 0, 0);
      if (answer !== 'STORED') return 'refused';
    }
    return 'done';
  };
  const client = async ({ store }: SessionCache) => {
    while (goesOn) {
      await delay(random() * 8);
      const dice = random();
      const kind = dice < 0.5 ? 'get' : dice < 0.75 ? 'set' : dice < 0.95 ? 'delete' : 'add';
      const operation: Operation = {
        kind,
        key: KEYS[Math.floor(random() * KEYS.length)]!,
        start: performance.now(),
        end: Number.POSITIVE_INFINITY,
        value: kind === 'set' || kind === 'add' ? `v${values++}` : undefined,
        outcome: 'open',
      };
      operations.push(operation);
      try {
        operation.outcome = await carryOut(store, operation);
      } catch (error) {
        operation.outcome = 'failed';
        operation.error = error;
      }
      operation.end = performance.now();
    }
  };
  const done = Promise.all(
    caches.flatMap((cache) => Array.from({ length: CLIENTS_PER_GATEWAY }, () => client(cache))),
  );
  return {
    async stop(): Promise<readonly Operation[]> {
      goesOn = false;
      await done;
      return operations;
    },
  };
}

/** Something goes wrong for a while; what it was. The next may come before that is over with. */
async function trouble(lab: Lab, random: () => number): Promise<string> {
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)]!;
  const index = Math.floor(random() * 3);
  const node = lab.nodes[index]!;
  const ms = 100 + random() * 900;
  const what = pick(['pause', 'cut', 'cut for one', 'restart', 'move']);
  switch (what) {
    case 'pause':
      await node.pause();
      await delay(ms);
      node.resume();
      break;
    case 'cut':
    case 'cut for one': {
      const ways = what === 'cut' ? lab.ways : [pick(lab.ways)];
      for (const theirs of ways) theirs[index]!.cut();
      await delay(ms);
      for (const theirs of ways) theirs[index]!.mend();
      break;
    }
    case 'restart':
      // A node that has lost everything counts on the others.
      await until('all are full', () => isWhole(lab), 60_000);
      await node.kill();
      await delay(ms / 2);
      lab.nodes[index] = await startMemcached(undefined, { port: node.port });
      break;
    default: {
      const lists = [
        [0, 1, 2],
        [0, 1, 2, 3],
        [2, 0, 1],
        [1, 2, 3],
      ];
      const nodes = pick(lists).map((number) => lab.names[number]!);
      for (const cache of random() < 0.5 ? lab.caches : [pick(lab.caches)]) {
        cache.moveTo({ nodes, placement: 'python-memcached' });
        await delay(random() * 300);
      }
      await delay(ms);
    }
  }
  return `${what} ${node.address} for ${ms.toFixed()} ms`;
}

describe('the session cache on real nodes, under random troubles', { concurrency: 2 }, () => {
  for (let schedule = 0; schedule < SCHEDULES; schedule++) {
    it(`never shows what was deleted or replaced (schedule ${schedule})`, async (t) => {
      const random = randomFrom(20_261_125 + schedule);
      const lab = await startLab(t);
      const clients = startClients(lab, random);
      const troubles: string[] = [];
      for (let n = 0; n < TROUBLES; n++) {
        troubles.push(await trouble(lab, random));
        await delay(random() * 500);
      }
      await until('all are full', () => isWhole(lab), 60_000);
      await delay(300);
      const operations = await clients.stop();
      const { stale } = judge(operations);
      assert.deepEqual(stale, [], troubles.join('\n'));
      const answered = operations.filter(({ outcome }) => outcome !== 'failed');
      assert.ok(answered.length > 300, `${answered.length} of ${operations.length}`);
      assert.ok(answered.filter(({ kind, value }) => kind === 'get' && value).length > 50);
    });
  }
});
