import type { CacheStore } from '../../src/cache/cache-store.ts';
import { createSessionCache } from '../../src/cache/session-cache.ts';
import { startMemcached } from './memcached.ts';
import { until } from './until.ts';

/** A cache on so many real memcached nodes of its own, with every node full. */
export async function replicatedStore(
  t: { after(hook: () => unknown): void },
  count: number,
): Promise<CacheStore> {
  const nodes = await Promise.all(Array.from({ length: count }, () => startMemcached(t)));
  const cache = createSessionCache({
    nodes: nodes.map(({ address }) => address),
    placement: 'pymemcache',
  });
  t.after(() => cache.close());
  await cache.start();
  await until('every node is full', () =>
    cache.health().nodes.every(({ state, reachable }) => state === 'full' && reachable),
  );
  return cache.store;
}
