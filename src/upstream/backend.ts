import type { BackendAddress } from './backend-address.ts';

/** What health checks have seen: `unknown` until the first one has an answer. */
export type Health = 'unknown' | 'up' | 'down';

/** What the operator wants: take work, take no new work, or be left alone altogether. */
export type AdminState = 'ready' | 'drain' | 'maint';

/** The last health check of a backend. */
export interface CheckReport {
  readonly at: Date;
  readonly ok: boolean;
  readonly detail: string;
  readonly durationMs: number;
}

/** Unused connections to backends are dropped before the usual keep-alive limit of servers, 5 s. */
export const UPSTREAM_IDLE_MS = 4_000;

/**
 * One server of a pool. Health (observed) and admin state (wanted) are separate facts; only
 * {@link Backend.usable} reads them together.
 */
export class Backend {
  readonly address: BackendAddress;
  health: Health = 'unknown';
  adminState: AdminState = 'ready';
  /** Its share of the work; 0 for none. */
  weight: number;
  /** Most leases at once in this process: its share of `maxconn`; Infinity for no limit. */
  limit: number;
  /** Leases that other processes of the gateway held when they last told. */
  elsewhere = 0;
  lastCheck: CheckReport | undefined;
  /** Leases held now: exchanges and tunnels. */
  active = 0;
  /** Leases ever claimed. */
  claimed = 0;
  /** Leases that ended in a failure of the backend. */
  failed = 0;

  constructor(address: BackendAddress) {
    this.address = address;
    this.weight = address.weight;
    this.limit = address.maxconn === 0 ? Number.POSITIVE_INFINITY : address.maxconn;
  }

  get name(): string {
    return this.address.name;
  }

  /** May take new work. A backend not yet checked may: a gateway that starts must not refuse. */
  get usable(): boolean {
    return this.health !== 'down' && this.adminState === 'ready';
  }

  /** Has room for one more lease under its limit. */
  get hasRoom(): boolean {
    return this.active < this.limit;
  }
}
