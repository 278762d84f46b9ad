import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { dashgate } from '../../conformance/peers/dashgate.ts';
import { CORPUS } from './corpus.ts';
import { CATEGORIES } from './hostile-message.ts';
import { playAll } from './tournament.ts';
import type { Verdict } from './verdict.ts';

const verdicts = new Map<string, Verdict>();
const labels = CORPUS.map(({ category, name }) => `${category}: ${name}`);

before(async () => {
  const played = await playAll(dashgate, CORPUS);
  for (const [i, verdict] of played.entries()) verdicts.set(labels[i]!, verdict);
});

test('the corpus is large, and each message is named once, with its source', () => {
  assert.ok(CORPUS.length >= 300, `there are ${CORPUS.length}`);
  assert.equal(new Set(labels).size, labels.length);
  for (const { name, source } of CORPUS) assert.match(source, /^(RFC \d|CVE-\d|[A-Z\d])/, name);
  for (const category of CATEGORIES) assert.ok(CORPUS.some((one) => one.category === category));
});

describe('no backend and no client reads in two ways what the gateway passes on:', () => {
  for (const label of labels) {
    test(label, () => assert.deepEqual(verdicts.get(label)?.faults, []));
  }
});

test('most of it is refused, and the rest is no dead end', () => {
  const outcomes = [...verdicts.values()].map(({ outcome }) => outcome);
  const refused = outcomes.filter((outcome) => outcome === 'refused').length;
  assert.ok(refused > CORPUS.length / 2, `${refused} are refused`);
  assert.ok(refused < CORPUS.length, 'even what is sound is refused');
});
