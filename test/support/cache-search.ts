import { parentPort, workerData } from 'node:worker_threads';
import type { Mutation } from './cache-cluster.ts';
import { runOneAtATime, runTurmoil } from './cache-scenarios.ts';

/** Schedules to run, by their seeds. */
export interface Search {
  readonly scenario: 'turmoil' | 'one at a time';
  readonly from: number;
  readonly count: number;
  readonly mutation?: Mutation;
  /** Whether nodes are exchanged for others meanwhile. */
  readonly moves?: boolean;
}

export interface SearchResult {
  readonly schedules: number;
  readonly operations: number;
  readonly failed: number;
  readonly hits: number;
  /** The first schedule in which something happened that may not: its seed, what, and how. */
  readonly found: string | undefined;
}

/** Runs schedules until one shows what may not be. */
export async function runSearch(work: Search): Promise<SearchResult> {
  const result = { schedules: 0, operations: 0, failed: 0, hits: 0 };
  for (let seed = work.from; seed < work.from + work.count; seed++) {
    const run = work.scenario === 'turmoil' ? runTurmoil : runOneAtATime;
    const { faults, operations, events } = await run(seed, work.mutation, work.moves).catch(
      (error) => {
        throw new Error(`the schedule of seed ${seed} did not run`, { cause: error });
      },
    );
    result.schedules++;
    result.operations += operations.length;
    result.failed += faults.failed.length;
    result.hits += operations.filter(({ kind, value }) => kind === 'get' && value).length;
    const wrong = faults.stale.map((text) => `stale: ${text}`);
    if (work.scenario === 'one at a time') {
      wrong.push(...faults.lost.map((text) => `lost: ${text}`), ...faults.slow, ...faults.failed);
    }
    if (wrong.length > 0) {
      const found = [`seed ${seed}`, ...wrong.slice(0, 10), ...events].join('\n');
      return { ...result, found };
    }
  }
  return { ...result, found: undefined };
}

if (parentPort !== null) {
  // Errors are made by the million, and nobody looks at where.
  Error.stackTraceLimit = 0;
  parentPort.postMessage(await runSearch(workerData));
}
