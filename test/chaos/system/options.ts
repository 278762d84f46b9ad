import { parseArgs } from 'node:util';
import { chosen, whole } from '../../support/option-values.ts';
import { FAULTS, type Fault } from './faults/fault.ts';
import { dashgate } from './peers/dashgate.ts';
import { haproxy } from './peers/haproxy.ts';
import type { Peer } from './peers/peer.ts';

const PEERS: readonly Peer[] = [dashgate, haproxy];

/** What a run does. */
export interface Options {
  readonly seed: number;
  readonly minutes: number;
  readonly faults: readonly Fault[];
  readonly peers: readonly Peer[];
  readonly users: number;
  readonly consoles: number;
  /** Where all that was counted goes. */
  readonly json: string | undefined;
  /** The document that gets the table. */
  readonly write: string | undefined;
}

const namesOf = (named: readonly { readonly name: string }[]) => named.map(({ name }) => name);

export const USAGE = `Usage: node test/chaos/chaos.ts [system] [--seed N] [--minutes N] [--only FAULT,…] [--peers NAME,…]
                                    [--users N] [--consoles N] [--json FILE] [--write SECURITY.md]

Users click, upload, download and have consoles open on a whole system (two gateways, three dashboards of real
Django, two consoles, three memcached nodes), of which one part after the other fails.

  --seed N        what happens, when and to whom, follows from it (by the clock; printed)
  --minutes N     how long it goes on at least, for each front door; each fault comes once in any case (3)
  --only FAULTS   what happens (${namesOf(FAULTS).join(', ')})
  --peers NAMES   front doors (${namesOf(PEERS).join(', ')})
  --users N       how many are logged in (20)
  --consoles N    how many consoles are open (500)
  --json FILE     keeps all that was counted
  --write FILE    puts the table into its place in SECURITY.md

Exit codes: 0 with Dashgate no idempotent request failed, nobody was logged out, no byte was wrong, no console was cut
by what does not concern it, and nothing leaks; 1 otherwise; 64 wrong usage.
`;

/** @throws UsageError, or an error of parseArgs, that says what is wrong. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string', default: String((Date.now() % 1_000_000) + 1) },
      minutes: { type: 'string', default: '3' },
      only: { type: 'string' },
      peers: { type: 'string' },
      users: { type: 'string', default: '20' },
      consoles: { type: 'string', default: '500' },
      json: { type: 'string' },
      write: { type: 'string' },
    },
  });
  return {
    seed: whole('seed', values.seed, 1, 1_000_000_000),
    minutes: whole('minutes', values.minutes, 1, 600),
    faults: chosen('only', values.only, FAULTS),
    peers: chosen('peers', values.peers, PEERS),
    users: whole('users', values.users, 1, 1_000),
    consoles: whole('consoles', values.consoles, 1, 5_000),
    json: values.json,
    write: values.write,
  };
}
