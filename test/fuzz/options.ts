import { parseArgs } from 'node:util';
import { UsageError } from '../support/entry.ts';
import { isTargetName, TARGET_NAMES, type TargetName } from './targets.ts';

/** What a run of the fuzzer does. */
export interface Options {
  readonly targets: readonly TargetName[];
  /** CPU time of each target. */
  readonly seconds: number;
  /** Inputs of each target. */
  readonly runs: number;
  readonly seed: number;
  readonly keep: boolean;
}

const DEFAULT_SECONDS = 600;

export const USAGE = `Usage: node test/fuzz/run.ts [--target NAME,…] [--seconds N | --runs N] [--seed N] [--keep]

Tries the parsers with inputs made to break them, and compares with other readers what they make of each.

  --target NAMES  what is tried (all): ${TARGET_NAMES.join(', ')}
  --seconds N     CPU time for each (${DEFAULT_SECONDS})
  --runs N        inputs for each, instead
  --seed N        what the inputs follow from (by the clock; printed)
  --keep          keeps inputs with outcomes of their own as seeds, in fixtures/fuzz

What is found is made small and written to fixtures/fuzz, where a test replays it.

Exit codes: 0 nothing was found, 1 something was, 64 wrong usage.
`;

/** @throws UsageError, or an error of parseArgs, that says what is wrong. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      target: { type: 'string' },
      seconds: { type: 'string' },
      runs: { type: 'string' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      keep: { type: 'boolean', default: false },
    },
  });
  if (values.seconds !== undefined && values.runs !== undefined) {
    throw new UsageError('--seconds and --runs exclude each other');
  }
  const byRuns = values.runs !== undefined;
  return {
    targets: values.target?.split(',').map(known) ?? TARGET_NAMES,
    seconds: byRuns ? Number.POSITIVE_INFINITY : whole('seconds', values.seconds, DEFAULT_SECONDS),
    runs: byRuns ? whole('runs', values.runs, 0) : Number.POSITIVE_INFINITY,
    seed: whole('seed', values.seed, 0),
    keep: values.keep,
  };
}

function known(name: string): TargetName {
  if (isTargetName(name)) return name;
  throw new UsageError(`--target knows no "${name}"; there are ${TARGET_NAMES.join(', ')}`);
}

function whole(option: string, given: string | undefined, otherwise: number): number {
  if (given === undefined) return otherwise;
  if (/^\d{1,9}$/.test(given)) return Number(given);
  throw new UsageError(`--${option} takes a whole number, not "${given}"`);
}
