import { parseArgs } from 'node:util';
import { UsageError } from '../support/entry.ts';
import { LEAKS } from './leaks.ts';

/** What a run of the soak does. */
export interface Options {
  readonly requests: number;
  readonly tunnels: number;
  readonly seed: number;
  readonly leak: string | undefined;
}

export const USAGE = `Usage: node test/soak/soak.ts [--requests N] [--tunnels N] [--seed N] [--leak KIND]

Loads a gateway for minutes and looks whether anything of the load stays in it.

  --requests N  requests of all kinds, some broken off by either side (1000000)
  --tunnels N   websockets that are opened, used and ended (10000)
  --seed N      what the mix of the load follows from (by the clock; printed)
  --leak KIND   leaks on purpose, to see the soak fail: ${LEAKS.join(', ')}

Exit codes: 0 nothing stayed, 1 something did, 64 wrong usage.
`;

/** @throws UsageError, or an error of parseArgs, that says what is wrong. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      requests: { type: 'string', default: '1000000' },
      tunnels: { type: 'string', default: '10000' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      leak: { type: 'string' },
    },
  });
  if (values.leak && !LEAKS.some((kind) => kind === values.leak)) {
    throw new UsageError(`--leak knows no "${values.leak}"; there are ${LEAKS.join(', ')}`);
  }
  return {
    requests: whole('requests', values.requests),
    tunnels: whole('tunnels', values.tunnels),
    seed: whole('seed', values.seed),
    leak: values.leak,
  };
}

function whole(option: string, given: string): number {
  if (/^\d{1,9}$/.test(given)) return Number(given);
  throw new UsageError(`--${option} takes a whole number, not "${given}"`);
}
