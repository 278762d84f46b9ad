import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { Mutation } from '../support/cache-cluster.ts';
import type { Search, SearchResult } from '../support/cache-search.ts';

/**
 * Schedules in which anything goes wrong. Of the rules below, the one that is hardest to see broken is
 * seen so once in some 400: a fault as rare as that escapes one run in two thousand. After a change of
 * the cache, CACHE_SCHEDULES is how many there are instead, and as many more of the others.
 */
const TURMOILS = Number(process.env.CACHE_SCHEDULES ?? 3_000);
/** Those in which one node at a time is lost. */
const LOSSES = share(0.2);
/** The same while nodes are exchanged for others; rules of that are seen broken once in some 1,300. */
const TURMOILS_WITH_MOVES = share(0.67);
const LOSSES_WITH_MOVES = share(0.1);
const WORKERS = Math.min(4, Math.max(2, availableParallelism()));
/** Schedules that are tried to find a broken rule out. */
const MUTANT_TURMOILS = 4_000;
const MUTANT_LOSSES = 1_200;

const MUTATIONS: readonly Mutation[] = [
  'no wait for leases',
  'no look at the view after the answer',
  'changes made by others are not waited for',
  'writes to refilling nodes first',
  'copies without tokens',
  'no quiet time before refilling',
  'deletes are acknowledged by one owner',
  'refilling nodes are not swept',
];

/** Of the rules by which nodes are exchanged. */
const MOVE_MUTATIONS: readonly Mutation[] = [
  'old nodes are left before all gateways know',
  'nodes are filled before all gateways write to them',
  'only the new nodes are written to',
];

function share(part: number): number {
  return Math.ceil(TURMOILS * part);
}

/** Runs a search in a thread of its own. */
function search(work: Search): Promise<SearchResult> {
  const worker = new Worker(new URL('../support/cache-search.ts', import.meta.url), {
    workerData: work,
  });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve).once('error', reject);
  });
}

async function searchAll(work: Search): Promise<SearchResult[]> {
  const shareUpTo = (part: number) => Math.floor((work.count * part) / WORKERS);
  return Promise.all(
    Array.from({ length: WORKERS }, (_, part) =>
      search({
        ...work,
        from: work.from + shareUpTo(part),
        count: shareUpTo(part + 1) - shareUpTo(part),
      }),
    ),
  );
}

function total(results: readonly SearchResult[], of: (result: SearchResult) => number): number {
  return results.reduce((sum, result) => sum + of(result), 0);
}

describe('the session cache on simulated nodes', () => {
  it(`never shows what was deleted or replaced, over ${TURMOILS} schedules of failures`, async () => {
    const results = await searchAll({ scenario: 'turmoil', from: 1, count: TURMOILS });
    for (const { found } of results) assert.equal(found, undefined);
    assert.equal(
      total(results, ({ schedules }) => schedules),
      TURMOILS,
    );
    // It was busy, and mostly able to answer.
    const operations = total(results, (result) => result.operations);
    assert.ok(operations > 100 * TURMOILS, `${operations} commands`);
    assert.ok(total(results, ({ failed }) => failed) < 0.2 * operations);
    assert.ok(total(results, ({ hits }) => hits) > 0.2 * operations);
  });

  it(`loses nothing, fails no command and answers in time, over ${LOSSES} schedules of one node lost at a time`, async () => {
    const results = await searchAll({ scenario: 'one at a time', from: 1, count: LOSSES });
    for (const { found } of results) assert.equal(found, undefined);
    assert.equal(
      total(results, ({ schedules }) => schedules),
      LOSSES,
    );
    assert.ok(total(results, ({ hits }) => hits) > 50 * LOSSES);
  });

  it(`never shows what was deleted while nodes are exchanged by gateways that disagree, over ${TURMOILS_WITH_MOVES} schedules of failures`, async () => {
    const work: Search = { scenario: 'turmoil', from: 1, count: TURMOILS_WITH_MOVES, moves: true };
    const results = await searchAll(work);
    for (const { found } of results) assert.equal(found, undefined);
    const operations = total(results, (result) => result.operations);
    assert.ok(operations > 100 * TURMOILS_WITH_MOVES, `${operations} commands`);
    assert.ok(total(results, ({ failed }) => failed) < 0.2 * operations);
    assert.ok(total(results, ({ hits }) => hits) > 0.2 * operations);
  });

  it(`loses nothing while nodes are exchanged, over ${LOSSES_WITH_MOVES} schedules of one node lost at a time`, async () => {
    const work: Search = {
      scenario: 'one at a time',
      from: 1,
      count: LOSSES_WITH_MOVES,
      moves: true,
    };
    const results = await searchAll(work);
    for (const { found } of results) assert.equal(found, undefined);
    assert.ok(total(results, ({ hits }) => hits) > 50 * LOSSES_WITH_MOVES);
  });

  it('would lose something if nodes that come back empty were not filled', async () => {
    const mutation = 'refilling nodes are not swept';
    const work: Search = { scenario: 'one at a time', from: 1, count: MUTANT_LOSSES, mutation };
    const { found } = await search(work);
    assert.match(found ?? '', /lost|stale/);
  });

  for (const mutation of [...MUTATIONS, ...MOVE_MUTATIONS]) {
    it(`would show something deleted with the rule broken: ${mutation}`, async () => {
      const { found } = await search({
        scenario: 'turmoil',
        from: 1,
        count: MUTANT_TURMOILS,
        mutation,
        moves: MOVE_MUTATIONS.includes(mutation),
      });
      assert.match(found ?? '', /stale/);
    });
  }
});
