/**
 * What control plane and data plane tell each other. Everything is plain data that JSON carries
 * whole, so that the two may be in different processes; counts are since the data plane's start.
 */
import type { OpenTunnel, Refusals } from '../admin/state.ts';
import type { Hits, Total } from '../policy/rate-limits.ts';
import type { RequestCounts } from '../relay/request-counts.ts';
import type { AdminState, Health } from '../upstream/backend.ts';

export type { OpenTunnel };

/** What a data plane selects by: the latest is all that it knows. */
export interface Snapshot {
  readonly services: readonly ServiceSnapshot[];
}

export interface ServiceSnapshot {
  readonly name: string;
  readonly backends: readonly BackendSnapshot[];
}

export interface BackendSnapshot {
  readonly name: string;
  readonly health: Health;
  /** It is down and answers nothing at all: what waits for it may as well be asked of another one. */
  readonly silent: boolean;
  readonly adminState: AdminState;
  readonly ejected: boolean;
  /** Its share of the work, which may be a fraction. */
  readonly weight: number;
  /** What its leases in this data plane are to be corrected by to stand for its load. */
  readonly loadOffset: number;
  /** Most leases of this data plane at once; null for no limit. */
  readonly limit: number | null;
}

/** What a data plane does: levels of now, and counts since its start. */
export interface DataReport {
  /** Clients that are connected. */
  readonly connections: number;
  readonly refusals: Refusals;
  readonly services: readonly ServiceReport[];
}

export interface ServiceReport {
  readonly name: string;
  /** Requests that wait for a backend with room. */
  readonly queued: number;
  /** Others were turned away of late, as too many wait; undefined from another version. */
  readonly turnsAway?: boolean | undefined;
  readonly tunnels: number;
  /** What it has answered; undefined from a gateway of another version. */
  readonly requests?: RequestCounts | undefined;
  readonly backends: readonly BackendReport[];
}

export interface BackendReport {
  readonly name: string;
  /** Leases held now. */
  readonly active: number;
  /** Those of them that are tunnels. */
  readonly tunnels: number;
  /** Most leases at once; null for no limit. */
  readonly limit: number | null;
  /** Leases ever claimed, and those that ended in a failure of the backend. */
  readonly claimed: number;
  readonly failed: number;
  /** Failures since the last success. */
  readonly failedInARow: number;
}

/** How a lease ended in which a backend did not do its part. */
export interface BackendFailure {
  readonly outcome: 'failed' | 'error';
  /** Which one since the last success it was, in that data plane. */
  readonly inARow: number;
}

/** What a data plane says unasked. */
export interface Uplink {
  /** A lease ended so: the backend had better be checked, or left out. */
  backendFailed(service: string, backend: string, failure: BackendFailure): void;
  /** Addresses have asked so often for what is limited; what all have seen of them comes back. */
  hits(hits: readonly Hits[]): void;
}

/** What the control plane has a data plane learn of addresses. */
export type Totals = readonly Total[];

export const NO_REFUSALS: Refusals = {
  rateLimited: 0,
  connectionsOfAddress: 0,
  logLinesDropped: 0,
};

export const EMPTY_REPORT: DataReport = { connections: 0, refusals: NO_REFUSALS, services: [] };
