import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecentMap } from '../../src/recent-map.ts';

test('a map of so many entries keeps those that were set last, and loses none to one that it has', () => {
  const map = new RecentMap<string, number>(3);
  for (const [value, key] of ['a', 'b', 'c'].entries()) map.set(key, value);
  map.set('a', 10);
  assert.deepEqual(Array.from(map), [
    ['b', 1],
    ['c', 2],
    ['a', 10],
  ]);
  map.set('d', 3);
  assert.deepEqual(Array.from(map.keys()), ['c', 'a', 'd']);
});
