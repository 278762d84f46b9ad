import { parseArgs } from 'node:util';
import { chosen, whole } from '../../support/option-values.ts';
import { FAULTS, type Fault } from './faults.ts';

export const CLIENTS = ['pymemcache', 'python-memcached', 'pylibmc'] as const;
/** A client library of Django, as `MEMCACHED_PLACEMENT` names it. */
export type Client = (typeof CLIENTS)[number];

/** What a run does. */
export interface Options {
  readonly users: number;
  readonly clients: readonly Client[];
  readonly faults: readonly Fault[];
  /** How long a fault lasts where it is not for good, in s. */
  readonly seconds: number;
  readonly copies: number;
  readonly seed: number;
  /** The same without the cache, beside it. */
  readonly direct: boolean;
}

export const USAGE = `Usage: node test/chaos/chaos.ts cache [--users N] [--clients NAME,…] [--faults NAME,…] [--seconds N]
                                    [--copies N] [--seed N] [--no-direct]

Users click on a real Django site, log out and log in again, while one of its three memcached nodes
fails: with the nodes behind Dashgate's session cache, and with the same nodes directly.

  --users N       how many are logged in (200), each with a click every 4 s
  --clients NAMES client libraries of Django (${CLIENTS.join(', ')})
  --faults NAMES  what happens to the node (${FAULTS.map(({ name }) => name).join(', ')})
  --seconds N     how long it lasts where it is not for good (30)
  --copies N      SESSION_COPIES (2); with 1 the cache must fail
  --seed N        what the users do follows from it (by the clock; printed)
  --no-direct     with the cache only

Exit codes: 0 nobody noticed anything on the cache, 1 somebody did, 64 wrong usage.
`;

/** Reads what follows `cache`. @throws UsageError, or an error of parseArgs, that says what is wrong. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      users: { type: 'string', default: '200' },
      clients: { type: 'string' },
      faults: { type: 'string' },
      seconds: { type: 'string', default: '30' },
      copies: { type: 'string', default: '2' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      direct: { type: 'boolean', default: true },
    },
  });
  const known = CLIENTS.map((name) => ({ name }));
  return {
    users: whole('users', values.users, 1, 1_000),
    clients: chosen('clients', values.clients, known).map(({ name }) => name),
    faults: chosen('faults', values.faults, FAULTS),
    seconds: whole('seconds', values.seconds, 1, 600),
    copies: whole('copies', values.copies, 1, 3),
    seed: whole('seed', values.seed, 1, 1_000_000_000),
    direct: values.direct,
  };
}
