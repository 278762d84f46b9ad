import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type WatchReport, watch } from './engine/watch.ts';

/** Readers with faults that hunts have to find. */
function planted(name: 'loops' | 'grows' | 'throws'): string {
  return new URL(`./planted/${name}.ts`, import.meta.url).href;
}

function found({ found }: WatchReport): [what: string, input: string][] {
  return found.map(({ what, input }) => [what, input.toString('latin1')]);
}

const SOON = { seeds: [1], seconds: 20, runs: 10_000 } as const;

describe('a hunt ends, and shows the input', () => {
  test('that a reader loops over', async () => {
    const limits = { hangsAfterMs: 300 };
    const report = await watch('loops', { ...SOON, ...limits, module: planted('loops') });
    assert.deepEqual(found(report), [['hangs', 'a LL b']]);
  });

  for (const [kind, first] of [
    ['values', 'V'],
    ['bytes, which are in no heap,', 'B'],
  ] as const) {
    test(`of which a reader keeps ever more ${kind}`, async () => {
      const limits = { memoryMib: 48, garbageMib: 80, first: [first] };
      const report = await watch('grows', { ...SOON, ...limits, module: planted('grows') });
      assert.deepEqual(found(report), [['takes too much memory', first]]);
    });
  }

  test('in which a rule is broken, made small', async () => {
    const report = await watch('throws', { ...SOON, module: planted('throws') });
    assert.deepEqual(found(report), [['x before y', 'xy']]);
  });
});

test('a hunt in which nothing is wrong finds nothing', async () => {
  const report = await watch('grows', { ...SOON, runs: 200, module: planted('grows') });
  assert.deepEqual(found(report), []);
  assert.equal(report.runs, 200);
});
