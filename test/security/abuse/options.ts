import { parseArgs } from 'node:util';
import { chosen, whole } from '../../support/option-values.ts';
import type { Attack } from './attack.ts';
import { ATTACKS } from './attacks.ts';
import { type Peer, PROXIES } from './proxies.ts';

/** What a run does. */
export interface Options {
  readonly attacks: readonly Attack[];
  readonly proxies: readonly Peer[];
  readonly seconds: number;
  readonly connections: number;
  readonly json: string | undefined;
  readonly write: string | undefined;
}

export const USAGE = `Usage: node test/security/abuse/run.ts [--only NAME,…] [--peers NAME,…] [--seconds N] [--connections N]
                                        [--json FILE] [--write SECURITY.md]

Attacks Dashgate, HAProxy and nginx, one after the other, and measures what another user notices.

  --only NAMES     attacks (${ATTACKS.map(({ name }) => name).join(', ')})
  --peers NAMES    proxies (${PROXIES.map(({ name }) => name).join(', ')})
  --seconds N      how long the user is watched in each attack, in rounds of a second (10)
  --connections N  abusive connections at once (1000)
  --json FILE      write all that was found
  --write FILE     put the table into its place in this document

Exit codes: 0 Dashgate met the target in every attack; 1 otherwise; 64 wrong usage.
`;

/** @throws UsageError, or an error of parseArgs, that says what is wrong. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      peers: { type: 'string' },
      seconds: { type: 'string', default: '10' },
      connections: { type: 'string', default: '1000' },
      json: { type: 'string' },
      write: { type: 'string' },
    },
  });
  return {
    attacks: chosen('only', values.only, ATTACKS),
    proxies: chosen('peers', values.peers, PROXIES),
    seconds: whole('seconds', values.seconds, 1, 60),
    connections: whole('connections', values.connections, 1, 10_000),
    json: values.json,
    write: values.write,
  };
}
