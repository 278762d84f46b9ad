import type { CacheStore } from '../../src/cache/cache-store.ts';
import { type CacheTiming, DEFAULT_CACHE_TIMING } from '../../src/cache/cache-timing.ts';
import { createSessionCache } from '../../src/cache/session-cache.ts';
import { startMemcached } from './memcached.ts';
import { until } from './until.ts';

/** For tests of what is answered, and not when: no node is given up on a machine that is busy. */
export const PATIENT: CacheTiming = {
  ...DEFAULT_CACHE_TIMING,
  readDeadlineMs: 2_000,
  writeDeadlineMs: 2_000,
  pollDeadlineMs: 1_000,
  leaseMs: 2_000,
  leaseWaitMs: 2_050,
  establishMs: 2_000,
};

/** A cache on so many real memcached nodes of its own, with every node full. */
export async function replicatedStore(
  t: { after(hook: () => unknown): void },
  count: number,
): Promise<CacheStore> {
  const nodes = await Promise.all(Array.from({ length: count }, () => startMemcached(t)));
  const cache = createSessionCache({
    nodes: nodes.map(({ address }) => address),
    placement: 'pymemcache',
    timing: PATIENT,
  });
  t.after(() => cache.close());
  await cache.start();
  await until('every node is full', () =>
    cache.health().nodes.every(({ state, reachable }) => state === 'full' && reachable),
  );
  return cache.store;
}
