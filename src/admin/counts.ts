/**
 * What processes of a gateway tell for metrics: totals since their start, levels of now, and how they
 * are. Plain data that JSON carries whole, all numbers in it, so that totals can be added up.
 */
import type { ErrorKind } from '../errors.ts';
import type { TunnelCause } from '../relay/tunnel-ending.ts';

/** Upper bounds of what requests take, in seconds: a good page, a slow one, and the timeouts. */
export const REQUEST_BUCKETS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 10, 60] as const;
/** The same for tunnels: from one that fails at once to one of a whole day. */
export const TUNNEL_BUCKETS = [1, 10, 60, 600, 3_600, 14_400, 86_400] as const;

/** Observations in each bucket alone, the last one without an upper bound; and their sum. */
export interface HistogramTotals {
  readonly buckets: number[];
  sum: number;
}

export interface BackendTotals {
  /** Answers by the first digit of their status. */
  readonly codes: number[];
  /** How long its requests took in all, from a client's head to the last byte. */
  seconds: number;
  bytesIn: number;
  bytesOut: number;
  opened: number;
  reused: number;
  connectFailures: number;
  responseFailures: number;
  retries: number;
  redispatches: number;
}

export interface TunnelTotals {
  opened: number;
  readonly ended: Record<TunnelCause, number>;
  readonly durations: HistogramTotals;
  bytesIn: number;
  bytesOut: number;
}

export interface ServiceTotals {
  /** Requests by the first digit of their status; 0: the client left before it had one. */
  readonly codes: number[];
  readonly durations: HistogramTotals;
  readonly failures: Record<ErrorKind, number>;
  waits: number;
  waitSeconds: number;
  bytesIn: number;
  bytesOut: number;
  readonly tunnels: TunnelTotals;
  readonly backends: Record<string, BackendTotals>;
}

export interface ListenerTotals {
  accepted: number;
  fullHandshakes: number;
  resumptions: number;
  readonly refused: Record<'accept' | 'limit' | 'address' | 'proxyHeader' | 'handshake', number>;
}

export interface CacheTotals {
  readonly nodes: Record<string, { operations: number; failures: number; latencyMs: number }>;
  readonly commands: Record<string, number>;
  readonly outcomes: Record<string, number>;
  readonly refused: Record<string, number>;
  readonly errors: { client: number; server: number };
  readonly bytes: { read: number; written: number };
  connections: number;
}

/** All that is counted; what a process has no part in is left out. */
export interface Totals {
  readonly services?: Record<string, ServiceTotals>;
  readonly listeners?: Record<string, ListenerTotals>;
  readonly cache?: CacheTotals;
  /** CPU time of workers, in seconds. */
  readonly cpu?: { relay?: number; cache?: number };
}

/** What is there now; it goes with the process. */
export interface Levels {
  /** Connections to backends that are open for requests, by service and backend. */
  readonly upstream?: Record<string, Record<string, number>>;
  /** Open connections of clients by listener. */
  readonly downstream?: Record<string, number>;
  /** Open connections of dashboards to the session cache. */
  readonly cache?: number;
}

/** How often a process looks how late its event loop is, in ms: each time it is woken, idle or not. */
export const LOOP_WATCH_MS = 100;

/** How a process is. */
export interface Vitals {
  readonly pid: number;
  readonly residentBytes: number;
  /** How late its event loop was over the last seconds, in seconds. */
  readonly delay: { readonly mean: number; readonly p99: number; readonly max: number };
}

/** What one process tells. */
export interface Counts {
  readonly totals: Totals;
  readonly levels: Levels;
  readonly vitals?: Vitals | undefined;
}

/** A number, or several under names or in a row. */
type Tree = number | readonly Tree[] | { readonly [name: string]: Tree };

/** The sum of two totals, name by name; what only one of them has stays as it is. */
export function addUp<T extends Totals | Levels>(one: T, other: T): T {
  return sum(one as Tree, other as Tree) as T;
}

function sum(one: Tree | undefined, other: Tree | undefined): Tree {
  if (one === undefined || other === undefined) return one ?? other ?? 0;
  if (typeof one === 'number' || typeof other === 'number') return Number(one) + Number(other);
  if (Array.isArray(one) && Array.isArray(other)) {
    const longer = one.length >= other.length ? one : other;
    return longer.map((_, i) => sum(one[i], other[i]));
  }
  const [these, those] = [Object.entries(one), other as Record<string, Tree>];
  return {
    ...those,
    ...Object.fromEntries(these.map(([name, value]) => [name, sum(value, those[name])])),
  };
}
