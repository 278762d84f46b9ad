import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestIds } from '../../src/relay/request-ids.ts';

test('request ids are 32 hexadecimal digits, and none comes twice', () => {
  const ids = new RequestIds();
  const seen = new Set<string>();
  // More than are made of one helping of random bytes.
  for (let i = 0; i < 1_000; i += 1) {
    const id = ids.next();
    assert.match(id, /^[0-9a-f]{32}$/);
    seen.add(id);
  }
  assert.equal(seen.size, 1_000);
});

test('two makers of request ids have none in common', () => {
  const [one, other] = [new RequestIds(), new RequestIds()];
  const seen = new Set(Array.from({ length: 300 }, () => one.next()));
  for (let i = 0; i < 300; i += 1) assert.ok(!seen.has(other.next()));
});
