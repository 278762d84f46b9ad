import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { queryObjects } from 'node:v8';
import { DEFAULT_CACHE_TIMING } from '../../src/cache/cache-timing.ts';
import { createSessionCache } from '../../src/cache/session-cache.ts';
import { UnavailableError } from '../../src/memcached/client.ts';
import { startMemcached } from '../support/memcached.ts';
import { collectGarbage } from '../support/memory.ts';
import { until } from '../support/until.ts';

test('a node that stays away costs no memory, however often it is asked', async (t) => {
  const nodes = await Promise.all([startMemcached(t), startMemcached(t), startMemcached(t)]);
  const cache = createSessionCache({
    nodes: nodes.map(({ address }) => address),
    placement: 'pymemcache',
    timing: { ...DEFAULT_CACHE_TIMING, pollEveryMs: 1 },
  });
  t.after(() => cache.close());
  await cache.start();
  await nodes[0]!.kill();
  await until('it is missed', () => !cache.health().nodes[0]!.reachable);
  // Some hundred times.
  await delay(1_000);
  collectGarbage();
  assert.ok(queryObjects(UnavailableError, { format: 'count' }) < 50);
});
