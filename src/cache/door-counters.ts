/** The commands that are counted each by its own name; all others are `unknown`. */
export const COUNTED_VERBS = [
  'get',
  'gets',
  'gat',
  'gats',
  'set',
  'add',
  'replace',
  'append',
  'prepend',
  'cas',
  'delete',
  'touch',
  'incr',
  'decr',
  'mg',
  'ms',
  'md',
  'mn',
  'flush_all',
  'stats',
  'version',
  'verbosity',
  'quit',
  'shutdown',
  'unknown',
] as const;

export type CountedVerb = (typeof COUNTED_VERBS)[number];

/** What became of commands, under the names of memcached's `stats`. */
const OUTCOMES = [
  'get_hits',
  'get_misses',
  'delete_hits',
  'delete_misses',
  'incr_hits',
  'incr_misses',
  'decr_hits',
  'decr_misses',
  'cas_hits',
  'cas_misses',
  'cas_badval',
  'touch_hits',
  'touch_misses',
  'store_too_large',
] as const;

export type Outcome = (typeof OUTCOMES)[number];

/** Why a connection was not served, or not any longer. */
const REFUSALS = ['access', 'limit', 'handshake', 'protocol', 'silence'] as const;

export type ConnectionRefusal = (typeof REFUSALS)[number];

/** What a door has done since it was made. Only ever counted upward, but for `open`. */
export class DoorCounters {
  readonly connections = { open: 0, total: 0 };
  readonly refused: Record<ConnectionRefusal, number> = zeros(REFUSALS);
  readonly commands: Record<CountedVerb, number> = zeros(COUNTED_VERBS);
  readonly outcomes: Record<Outcome, number> = zeros(OUTCOMES);
  /** Error lines in answers: the client's fault, and ours or a node's. */
  readonly errors = { client: 0, server: 0 };
  /** Bytes read from clients and written to them, without TLS. */
  readonly bytes = { read: 0, written: 0 };
}

function zeros<Name extends string>(names: readonly Name[]): Record<Name, number> {
  return Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
}
