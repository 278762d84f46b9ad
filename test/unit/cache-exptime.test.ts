import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exptimeOf, isOver } from '../../src/cache/exptime.ts';

const NOW_MS = 1_800_000_000_000;
const NOW = NOW_MS / 1_000;
const DAYS_30 = 30 * 24 * 60 * 60;

test('a time that is over is below nothing, or of the past', () => {
  for (const over of [-1, -5, NOW - 1, NOW, NOW - 1_000_000])
    assert.ok(isOver(over, NOW_MS), `${over}`);
  for (const time of [0, 1, DAYS_30, NOW + 10]) assert.ok(!isOver(time, NOW_MS), `${time}`);
});

test('a time to live is told as the protocol has it, and never as one that is over', () => {
  assert.equal(exptimeOf(-1, NOW_MS), 0);
  assert.equal(exptimeOf(0, NOW_MS), 1);
  assert.equal(exptimeOf(DAYS_30, NOW_MS), DAYS_30);
  assert.equal(exptimeOf(DAYS_30 + 1, NOW_MS), NOW + DAYS_30 + 1);
});
