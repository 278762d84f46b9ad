import assert from 'node:assert/strict';
import { it } from 'node:test';
import { backoffDelay, DEFAULT_BACKOFF } from '../../src/memcached/backoff.ts';

it('doubles with each failure from 50 ms up to 2 s', () => {
  const longest = [1, 2, 3, 4, 5, 6, 7, 8, 1000].map((failures) =>
    backoffDelay(failures, DEFAULT_BACKOFF, () => 1),
  );
  assert.deepEqual(longest, [50, 100, 200, 400, 800, 1600, 2000, 2000, 2000]);
});

it('spreads over the upper half, so that clients do not come back in step', () => {
  const at = (random: number) => backoffDelay(3, DEFAULT_BACKOFF, () => random);
  assert.deepEqual([at(0), at(0.5), at(1)], [100, 150, 200]);
});
