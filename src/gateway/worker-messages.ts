import type { Counts } from '../admin/counts.ts';
import type { CacheHealth } from '../cache/cache-health.ts';
import type { NodeOptions } from '../cache/session-cache.ts';
import type { ConfigSource } from '../config.ts';
import type { Hits } from '../policy/rate-limits.ts';
import type { DataListener } from './listeners.ts';
import type { BackendFailure, DataReport, OpenTunnel, Snapshot, Totals } from './messages.ts';
import type { Share } from './share.ts';

/**
 * To be raised when a message changes its meaning: a supervisor that was not replaced when the code was
 * must not start workers that it does not understand.
 */
export const PROTOCOL = 5;

/** A listening socket that a worker is started with: one after the other of a name is the same socket. */
export interface WorkerSocket<N extends string> {
  readonly name: N;
  /** Its file descriptor in the worker. */
  readonly fd: number;
}

export interface RelayTask {
  readonly kind: 'relay';
  readonly share: Share;
  /** What session tickets are sealed by, unless it is configured; Base64. */
  readonly ticketSecret: string;
  /** Port of the portal, for the redirector. */
  readonly portalPort: number;
  /** Port of the session cache; undefined: it is off. */
  readonly cachePort: number | undefined;
  readonly sockets: readonly WorkerSocket<DataListener>[];
}

export interface CacheTask {
  readonly kind: 'cache';
  readonly sockets: readonly WorkerSocket<'cache'>[];
}

/** What a worker is there for. */
export type Task = RelayTask | CacheTask;

/** From the supervisor to a worker. */
export type ToWorker =
  | {
      readonly type: 'start';
      readonly protocol: number;
      readonly source: ConfigSource;
      readonly task: Task;
    }
  | { readonly type: 'snapshot'; readonly snapshot: Snapshot }
  /** All have seen so many requests of these addresses. */
  | { readonly type: 'totals'; readonly totals: Totals }
  /** Keep the sessions on these nodes. */
  | { readonly type: 'move'; readonly nodes: NodeOptions }
  /** With a listening socket, of a listener whose address has come: accept from it, too, each time. */
  | { readonly type: 'open'; readonly name: DataListener }
  /** Accept connections from now on. */
  | { readonly type: 'accept' }
  /** Take no more connections, and end when the last one has. */
  | { readonly type: 'drain' }
  /** End within SHUTDOWN_TIMEOUT. */
  | { readonly type: 'stop' }
  /** Tell what you do. */
  | { readonly type: 'report' }
  /** Tell of the newest open tunnels, at most so many. */
  | { readonly type: 'tunnels'; readonly most: number }
  | { readonly type: 'endTunnel'; readonly id: string }
  /** Say that you are not stuck. */
  | { readonly type: 'ping' };

/** From a worker to the supervisor. */
export type FromWorker =
  /** All is made; it can accept. */
  | { readonly type: 'ready' }
  | { readonly type: 'accepting' }
  /** It takes no more connections; a report has come before. */
  | { readonly type: 'draining' }
  /** It cannot do its task, and ends. */
  | { readonly type: 'failed'; readonly detail: string }
  | { readonly type: 'report'; readonly report: DataReport }
  /** For metrics. */
  | { readonly type: 'counts'; readonly counts: Counts }
  | { readonly type: 'cache'; readonly health: CacheHealth }
  | {
      readonly type: 'backendFailed';
      readonly service: string;
      readonly backend: string;
      readonly failure: BackendFailure;
    }
  | { readonly type: 'tunnels'; readonly tunnels: readonly OpenTunnel[] }
  | { readonly type: 'tunnelEnded'; readonly id: string; readonly found: boolean }
  | { readonly type: 'hits'; readonly hits: readonly Hits[] }
  | { readonly type: 'pong' };
