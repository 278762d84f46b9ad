import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ItemStore, itemBytes } from '../../src/demo/item-store.ts';

const DAY = 86_400;

function storeAt(start: number, maxBytes = 1e6) {
  let now = start;
  const store = new ItemStore({ maxBytes, now: () => now });
  const advance = (ms: number) => {
    now += ms;
  };
  const put = (key: string, ttl = 0, value = 'x') =>
    store.set(key, Buffer.from(value), 0, store.expiry(ttl));
  return { store, advance, put };
}

it('forgets an item at the moment its time is over, whichever way the time was given', () => {
  const start = 1_700_000_000_000;
  const { store, advance, put } = storeAt(start);
  put('relative', 10);
  put('month', 30 * DAY);
  put('absolute', start / 1000 + 20);
  put('past', start / 1000 - 1);
  put('negative', -1);
  put('never', 0);
  const present = () =>
    ['relative', 'month', 'absolute', 'past', 'negative', 'never'].filter((key) => store.get(key));
  assert.deepEqual(present(), ['relative', 'month', 'absolute', 'never']);
  advance(9_999);
  assert.deepEqual(present(), ['relative', 'month', 'absolute', 'never']);
  advance(1);
  assert.deepEqual(present(), ['month', 'absolute', 'never']);
  advance(10_000);
  assert.deepEqual(present(), ['month', 'never']);
  advance(30 * DAY * 1000);
  assert.deepEqual(present(), ['never']);
});

it('keeps the version of an item that is touched and changes it with every write', () => {
  const { store, put } = storeAt(0);
  const first = put('a').cas;
  assert.equal(store.touch('a', store.expiry(100))?.cas, first);
  assert.notEqual(put('a').cas, first);
});

it('evicts the least recently used when memory is full, and never the newest', () => {
  const { store, put } = storeAt(0, 3 * itemBytes('a', 1));
  for (const key of ['a', 'b', 'c']) put(key);
  store.get('a');
  put('d');
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].filter((key) => store.get(key)),
    ['a', 'c', 'd'],
  );
  assert.equal(store.evictions, 1);
  assert.equal(store.bytes, 3 * itemBytes('a', 1));
  for (let n = 0; n < 1000; n++) put(`key-${n % 50}`, 0, 'x'.repeat(n % 7));
  assert.ok(store.bytes <= 3 * itemBytes('a', 1));
});

it('counts no bytes for what was overwritten, deleted, expired or flushed', () => {
  const { store, advance, put } = storeAt(0);
  put('a', 0, 'long value');
  put('a', 0, 'x');
  assert.equal(store.bytes, itemBytes('a', 1));
  store.delete('a');
  put('b', 1);
  advance(1000);
  store.get('b');
  put('c');
  store.flush(0);
  assert.equal(store.bytes, 0);
  assert.equal(store.count, 0);
});

it('flushes later what is there then', () => {
  const { store, advance, put } = storeAt(0);
  put('a');
  store.flush(10);
  advance(9_999);
  assert.ok(store.get('a'));
  put('b');
  advance(1);
  put('c');
  assert.deepEqual(
    ['a', 'b', 'c'].filter((key) => store.get(key)),
    ['c'],
  );
});
