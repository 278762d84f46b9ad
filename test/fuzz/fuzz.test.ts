import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Dice } from './engine/dice.ts';
import { readCrashers } from './engine/fixtures.ts';
import { tried } from './engine/hunt.ts';
import { watch } from './engine/watch.ts';
import { loadTarget, TARGET_NAMES } from './targets.ts';

/** For each of both seeds, together some ten seconds; `npm run fuzz` takes more. */
const CPU_SECONDS = 0.15;
const FIXED_SEED = 8;
const seeds = [FIXED_SEED, new Dice(Date.now()).below(1_000_000)];

describe('inputs made to break it find nothing wrong in', () => {
  for (const name of TARGET_NAMES) {
    test(`${name}, by the seeds ${seeds.join(' and ')}`, async () => {
      const runs = Number.POSITIVE_INFINITY;
      const report = await watch(name, { seeds, seconds: CPU_SECONDS, runs });
      const shown = report.found.map(({ message, input }) => [message, input.toString('base64')]);
      assert.deepEqual(shown, []);
      assert.ok(report.runs > 20, `${report.runs} inputs`);
    });
  }
});

describe('what was found once stays mended in', () => {
  for (const name of TARGET_NAMES) {
    const crashers = readCrashers(name);
    if (crashers.size === 0) continue;
    test(`${name}: ${[...crashers.keys()].join(', ')}`, async (t) => {
      const target = await loadTarget(name);
      const subject = await target.open();
      t.after(() => subject.close?.());
      for (const [file, input] of crashers) {
        assert.equal(await tried(subject, input), undefined, file);
      }
    });
  }
});
