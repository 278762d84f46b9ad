import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flushAtExit, forgetFlush } from '../../src/gateway/last-flush.ts';

test('what is flushed at the end is one listener, and none when nothing is left', () => {
  const before = process.listeners('exit');
  const flushed: number[] = [];
  const flushes = Array.from({ length: 20 }, (_, index) => () => void flushed.push(index));
  for (const flush of flushes) flushAtExit(flush);
  const [first, ...others] = process.listeners('exit') as (() => void)[];
  assert.deepEqual(others, before, 'one, before all that are there');
  forgetFlush(flushes[7]!);
  first!();
  assert.equal(flushed.length, 19);
  assert.ok(!flushed.includes(7));
  for (const flush of flushes) forgetFlush(flush);
  assert.deepEqual(process.listeners('exit'), before);
});
