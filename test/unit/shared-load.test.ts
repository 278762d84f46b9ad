import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseBackends } from '../../src/upstream/backend-address.ts';
import { type Lease, Pool } from '../../src/upstream/pool.ts';
import { limitOf, loadOffsetOf } from '../../src/upstream/shared-load.ts';
import { randomFrom } from '../support/random.ts';

test('one gateway alone goes by its own count and the whole of maxconn', () => {
  const work = { own: 7, elsewhere: 0, gateways: 1 };
  assert.equal(loadOffsetOf(work), 0);
  assert.equal(limitOf(100, work), 100);
  assert.equal(limitOf(0, work), Number.POSITIVE_INFINITY);
});

test('each gateway makes up for its part of a difference', () => {
  // 30 tunnels against 10: each of two is to add ten more to the second.
  const first = 10 + loadOffsetOf({ own: 10, elsewhere: 20, gateways: 2 });
  const second = 5 + loadOffsetOf({ own: 5, elsewhere: 5, gateways: 2 });
  assert.equal(first - second, 10);
});

test('the rooms of all gateways together are the room that is left, or one more for each', () => {
  for (const [own, other, third] of [
    [0, 0, 0],
    [10, 80, 3],
    [99, 0, 0],
    [60, 60, 0],
  ] as const) {
    const all = own + other + third;
    const limits = [own, other, third].map((mine) =>
      limitOf(100, { own: mine, elsewhere: all - mine, gateways: 3 }),
    );
    const sum = limits.reduce((a, b) => a + b);
    assert.ok(sum >= Math.max(100, all) && sum <= Math.max(100, all) + 2, `${limits}`);
  }
});

/** Gateways that balance over the same backends, and what they have been told of each other. */
function simulate(weights: readonly number[], gateways: number, seed: number) {
  const random = randomFrom(seed);
  const text = weights.map((weight, i) => `http://b:${i + 1} weight=${weight}`).join(',');
  const pools = Array.from(
    { length: gateways },
    () => new Pool('console', parseBackends(text, assert.fail), { balance: 'leastconn' }),
  );
  const held: Lease[][] = pools.map(() => []);
  /** What each gateway last told. */
  const told = pools.map(() => weights.map(() => 0));

  const publish = (gateway: number) => {
    told[gateway] = pools[gateway]!.backends.map(({ tunnels }) => tunnels);
  };
  const apply = (gateway: number) => {
    for (const [i, backend] of pools[gateway]!.backends.entries()) {
      const elsewhere = told.reduce(
        (sum, counts, of) => sum + (of === gateway ? 0 : counts[i]!),
        0,
      );
      backend.loadOffset = loadOffsetOf({ own: backend.tunnels, elsewhere, gateways });
    }
  };
  return {
    random,
    open(gateway: number) {
      const lease = pools[gateway]!.claim()!;
      lease.becomeTunnel();
      held[gateway]!.push(lease);
    },
    /** Opens so many on one backend. */
    hold(gateway: number, backend: number, count: number) {
      for (let i = 0; i < count; i += 1) {
        const lease = pools[gateway]!.claim({ pinned: `b:${backend + 1}` })!;
        lease.becomeTunnel();
        held[gateway]!.push(lease);
      }
    },
    close(gateway: number) {
      const leases = held[gateway]!;
      if (leases.length === 0) return;
      leases.splice(Math.floor(random() * leases.length), 1)[0]!.release('ok');
    },
    /** Ends what one gateway holds on one backend, as a backend that is restarted does. */
    cut(gateway: number, backend: number) {
      held[gateway] = held[gateway]!.filter((lease) => {
        if (lease.backend !== pools[gateway]!.backends[backend]) return true;
        lease.release('ok');
        return false;
      });
    },
    /** A gateway tells, and takes note of what the others told. */
    beat(gateway: number) {
      apply(gateway);
      publish(gateway);
    },
    counts: () =>
      weights.map((_, i) => pools.reduce((sum, pool) => sum + pool.backends[i]!.tunnels, 0)),
  };
}

function assertSpread(
  counts: readonly number[],
  weights: readonly number[],
  message: string,
): void {
  const total = counts.reduce((a, b) => a + b);
  const sum = weights.reduce((a, b) => a + b);
  for (const [i, count] of counts.entries()) {
    const wanted = (total * weights[i]!) / sum;
    assert.ok(
      Math.abs(count - wanted) <= wanted * 0.02,
      `${message}: ${counts} instead of ${wanted} at ${i}`,
    );
  }
}

describe('tunnels over several gateways end within 2% of the weights', () => {
  for (const weights of [
    [1, 1, 1],
    [3, 2, 1],
    [5, 1],
  ]) {
    for (const [what, gateways, lean] of [
      ['two gateways alike', 2, 0.5],
      ['two gateways, nine in ten at one', 2, 0.9],
      ['five gateways', 5, 0.2],
    ] as const) {
      test(`5,000 tunnels, weights ${weights}, ${what}`, () => {
        for (let seed = 1; seed <= 20; seed += 1) {
          const { random, open, close, cut, beat, counts } = simulate(weights, gateways, seed);
          const someone = () => (random() < lean ? 0 : 1 + Math.floor(random() * (gateways - 1)));
          let total = 0;
          // A heartbeat of each comes at its own time, once in 500 events.
          for (let event = 0; total < 5_000; event += 1) {
            for (let gateway = 0; gateway < gateways; gateway += 1) {
              if ((event + gateway * 137) % 500 === 0) beat(gateway);
            }
            if (random() < 0.3) close(someone());
            else open(someone());
            if (event === 4_000) {
              // One backend loses everything at once.
              for (let gateway = 0; gateway < gateways; gateway += 1) cut(gateway, 0);
            }
            total = counts().reduce((a, b) => a + b);
          }
          assertSpread(counts(), weights, `seed ${seed}`);
        }
      });
    }
  }
});

test('what one gateway cannot even out, the others do', () => {
  const { beat, counts, hold, open } = simulate([1, 1, 1], 2, 1);
  // Pins brought the first gateway 300 tunnels on one backend, and nothing more comes to it.
  hold(0, 0, 300);
  for (let event = 0; event < 1_200; event += 1) {
    if (event % 100 === 0) for (const gateway of [0, 1]) beat(gateway);
    open(1);
  }
  assertSpread(counts(), [1, 1, 1], 'at last');
});
