import type { BackendAddress } from './backend-address.ts';
import { BackendHistory, BackendTraffic } from './backend-counters.ts';
import type { Candidate } from './selection.ts';

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
 * One server of a pool. Health (seen by checks), ejection (from traffic) and admin state (wanted) are
 * separate facts; only {@link Backend.usable} reads them together. Whoever finds one out sets it
 * here; the pool, told through `onChange`, chooses by it from its next claim on.
 */
export class Backend implements Candidate {
  readonly address: BackendAddress;
  /** Called when anything has changed that decides who is chosen but counts and room. */
  onChange: (backend: Backend) => void = () => {};
  lastCheck: CheckReport | undefined;
  /** For metrics: what goes to it, and what was seen of it. */
  readonly traffic = new BackendTraffic();
  history = new BackendHistory();
  /** When checks began to find what they find now. */
  healthSince: Date | undefined;
  /** It is down, and checks get no answer at all from it. */
  silent = false;
  /** While it is ejected: until when, unless a check takes it in before. */
  ejectedUntil: Date | undefined;
  /** Leases held now: exchanges and tunnels. */
  active = 0;
  /** Those of them that are tunnels. */
  tunnels = 0;
  /** Leases ever claimed. */
  claimed = 0;
  /** Leases that ended in a failure of the backend. */
  failed = 0;
  /** Failures since the last success. */
  failedInARow = 0;
  /** Most leases at once here. */
  limit: number;
  /** Tunnels that other gateways held when they last told. */
  elsewhere = 0;
  /** What `active` is to be corrected by to stand for the load of the backend (see `shared-load.ts`). */
  loadOffset = 0;
  #health: Health = 'unknown';
  #adminState: AdminState = 'ready';
  #ejected = false;
  #weight: number;
  #ramp = 1;

  constructor(address: BackendAddress) {
    this.address = address;
    this.#weight = address.weight;
    this.limit = address.maxconn === 0 ? Number.POSITIVE_INFINITY : address.maxconn;
  }

  get name(): string {
    return this.address.name;
  }

  get health(): Health {
    return this.#health;
  }

  set health(health: Health) {
    if (health === this.#health) return;
    this.#health = health;
    this.healthSince = new Date();
    this.onChange(this);
  }

  get adminState(): AdminState {
    return this.#adminState;
  }

  set adminState(state: AdminState) {
    if (state === this.#adminState) return;
    this.#adminState = state;
    this.onChange(this);
  }

  /** Left out for a while, because traffic to it failed. */
  get ejected(): boolean {
    return this.#ejected;
  }

  set ejected(ejected: boolean) {
    if (ejected === this.#ejected) return;
    this.#ejected = ejected;
    // What failed meanwhile was on its way before, or was the last resort: it starts anew.
    if (!ejected) this.failedInARow = 0;
    this.onChange(this);
  }

  /** Its share of the work as the operator wants it; with 0 only who is bound to it comes. */
  get weight(): number {
    return this.#weight;
  }

  set weight(weight: number) {
    if (weight === this.#weight) return;
    this.#weight = weight;
    this.onChange(this);
  }

  /** How much of its weight it has after it came back, above 0 and up to 1. */
  get ramp(): number {
    return this.#ramp;
  }

  set ramp(ramp: number) {
    if (ramp === this.#ramp) return;
    this.#ramp = ramp;
    this.onChange(this);
  }

  get share(): number {
    return this.#weight * this.#ramp;
  }

  get load(): number {
    return this.active + this.loadOffset;
  }

  /** Would be usable if it were not ejected. */
  get available(): boolean {
    return this.#health !== 'down' && this.#adminState === 'ready';
  }

  /** May take new work. A backend not yet checked may: a gateway that starts must not refuse. */
  get usable(): boolean {
    return this.available && !this.#ejected;
  }

  /** Has room for one more lease under its limit. */
  get hasRoom(): boolean {
    return this.active < this.limit;
  }
}
