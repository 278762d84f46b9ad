import { parseArgs } from 'node:util';
import { UsageError } from '../support/entry.ts';
import { tenths, whole } from '../support/option-values.ts';
import { type SliceGroup, type TurnGroup, workloadGroups } from './loads/workloads.ts';
import { MEMORY } from './measure-memory.ts';
import type { Effort } from './measure-turns.ts';
import { OBSERVABILITY } from './observability.ts';
import type { Peer } from './peers/peer.ts';
import { PEERS } from './peers/peers.ts';
import { SCALING } from './scaling.ts';

/** What a run of the benchmark does. */
export interface Options {
  /** The session cache is measured, and nothing else. */
  readonly cache: boolean;
  readonly groups: readonly (TurnGroup | SliceGroup)[];
  readonly memory: boolean;
  readonly memoryRounds: number;
  readonly peers: readonly Peer[];
  readonly effort: Effort;
  readonly json: string | undefined;
  readonly plot: string | undefined;
}

/** What a quick run compares: Dashgate, and what it takes the place of. */
const QUICK_PEERS = ['dashgate', 'haproxy', 'hitch+haproxy'];
const GROWTH = ['backends', 'idle', SCALING.group, OBSERVABILITY.group];

export const USAGE = `Usage: node test/bench/bench.ts [cache] [--quick] [--only NAME,…] [--peers NAME,…] [--rounds N] [--seconds N]
                                [--json FILE] [--plot FILE]

Measures what work costs Dashgate, and what the same work costs HAProxy and others, on this host:
of portal and console, or with \`cache\` of the session cache.

  --quick       under two minutes: short rounds of ${QUICK_PEERS.join(', ')}, without growth
  --only NAMES  only these: ${[...workloadGroups({ tunnels: 0 }).map(({ name }) => name), MEMORY.name].join(', ')}
  --peers NAMES only these: ${PEERS.map(({ name }) => name).join(', ')}
  --rounds N    rounds of each load with each peer, of which the medians are shown (15; quick: 2)
  --seconds N   length of a round (1); GETs are given as much time, in slices
  --json FILE   write all figures of all rounds
  --plot FILE   write the ratios as a picture (SVG)
`;

/** @throws UsageError, or an error of parseArgs, that says what is wrong. */
export function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    args: [...args],
    options: {
      quick: { type: 'boolean' },
      only: { type: 'string' },
      peers: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      json: { type: 'string' },
      plot: { type: 'string' },
    },
  });
  const cache = positionals[0] === 'cache';
  const strange = positionals.slice(cache ? 1 : 0);
  if (strange.length > 0) throw new UsageError(`"${strange.join(' ')}" is nothing to measure`);
  if (cache && (values.only ?? values.peers ?? values.plot) !== undefined) {
    throw new UsageError('the bench of the cache knows no --only, --peers and --plot');
  }
  const quick = values.quick ?? false;
  const all = workloadGroups({ tunnels: quick ? 100 : 500 });
  const known = [...all.map(({ name }) => name), MEMORY.name];
  const usual = quick ? known.filter((name) => !GROWTH.includes(name)) : known;
  const chosen = names('only', values.only, known) ?? usual;
  const peerNames = PEERS.map(({ name }) => name);
  const chosenPeers = names('peers', values.peers, peerNames) ?? (quick ? QUICK_PEERS : peerNames);
  const rounds = whole('rounds', values.rounds ?? (quick ? '2' : '15'), 1, 50);
  return {
    cache,
    groups: all.filter(({ name }) => chosen.includes(name)),
    memory: chosen.includes(MEMORY.name),
    memoryRounds: quick ? 1 : Math.min(rounds, 3),
    peers: PEERS.filter(({ name }) => chosenPeers.includes(name)),
    effort: {
      rounds,
      seconds: tenths('seconds', values.seconds ?? '1', 0.1, 60),
      warmUpSeconds: quick ? 0.5 : 2,
    },
    json: values.json,
    plot: values.plot,
  };
}

function names(
  option: string,
  given: string | undefined,
  known: readonly string[],
): string[] | undefined {
  const chosen = given?.split(',').map((name) => name.trim());
  const unknown = chosen?.filter((name) => !known.includes(name)) ?? [];
  if (unknown.length === 0) return chosen;
  throw new UsageError(
    `--${option} knows no "${unknown.join(', ')}"; there are ${known.join(', ')}`,
  );
}
