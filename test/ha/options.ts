import { parseArgs } from 'node:util';
import { chosen, whole } from '../support/option-values.ts';
import { FAULTS, type Fault } from './faults.ts';
import type { Peer } from './peers/peer.ts';
import { PEERS } from './peers/peers.ts';

/** What a run does. */
export interface Options {
  readonly faults: readonly Fault[];
  readonly peers: readonly Peer[];
  readonly trials: number;
  /** Pause between two looks of the cluster at the service, in ms. */
  readonly monitorMs: number;
  /** When Corosync misses its token, in ms. */
  readonly tokenMs: number;
}

export const USAGE = `Usage: node test/ha/ha.ts [--only NAME,…] [--peers NAME,…] [--trials N] [--monitor MS] [--token MS]

A real two-node Pacemaker and Corosync in namespaces, with the front door on both nodes and the address of
the dashboard on one. Users with sessions and consoles stay while things happen to that node. As root.

  --only NAMES   what happens (${FAULTS.map(({ name }) => name).join(', ')})
  --peers NAMES  front doors (${PEERS.map(({ name }) => name).join(', ')})
  --trials N     how often each thing happens (1)
  --monitor MS   how often the cluster looks at the service (1000)
  --token MS     when a node that is silent is taken for gone: Corosync's token (1000)

Exit codes: 0 nobody was logged out, and no gap of Dashgate's is longer than the other's by more than the
noise; 1 otherwise; 64 wrong usage.
`;

/** @throws UsageError, or an error of parseArgs, that says what is wrong. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      peers: { type: 'string' },
      trials: { type: 'string', default: '1' },
      monitor: { type: 'string', default: '1000' },
      token: { type: 'string', default: '1000' },
    },
  });
  return {
    faults: chosen('only', values.only, FAULTS),
    peers: chosen('peers', values.peers, PEERS),
    trials: whole('trials', values.trials, 1, 20),
    monitorMs: whole('monitor', values.monitor, 100, 60_000),
    tokenMs: whole('token', values.token, 200, 60_000),
  };
}
