import { GatewayError } from '../errors.ts';
import { Backend } from './backend.ts';
import { authority, type BackendAddress } from './backend-address.ts';
import { type Balance, createSelection, type Selection } from './selection.ts';

/** Most requests that wait at once, unless told. */
export const DEFAULT_QUEUE_LIMIT = 1024;

/** How long it counts that a request was turned away. */
const OF_LATE_MS = 1_000;

/**
 * How a lease ended: the backend did its part, it answered with an error of its own (5xx, or another
 * answer than 101 to a good handshake), it failed, or the client went away first.
 */
export type Outcome = 'ok' | 'error' | 'failed' | 'aborted';

/** A backend, counted busy for one exchange or tunnel until it is released, once. */
export interface Lease {
  readonly backend: Backend;
  /** The exchange has become a tunnel: the backend has done its part, whatever ends it. */
  becomeTunnel(): void;
  release(outcome: Outcome): void;
}

export interface ClaimOptions {
  /** Backends that already failed for this request. */
  readonly exclude?: ReadonlySet<Backend>;
  /** The name of a backend to take if it is usable, and to wait for if it is full (affinity). */
  readonly prefer?: string | undefined;
  /** The name of a backend to take if it is usable and has room; otherwise any will do (a pin). */
  readonly pinned?: string | undefined;
  /** Address of the client, which balancing by hash goes by. */
  readonly client?: string;
}

export interface PoolOptions {
  /** How a backend is chosen; by weighted round robin unless told. */
  readonly balance?: Balance;
  /** Longest wait for a free backend, in ms. */
  readonly queueTimeoutMs?: number;
  /** Most requests that wait at once. */
  readonly queueLimit?: number;
  /**
   * Told of what whoever divides limits waits for: a request has to wait in line where none did, or is
   * turned away as too many do; a lease beyond a limit that was lowered has ended.
   */
  readonly onLimit?: () => void;
  /** Told when a lease ends in a failure of its backend, or in an error that it answered. */
  readonly onFailure?: (backend: Backend, outcome: 'failed' | 'error') => void;
  /** Told when anything that decides who is chosen has changed, but counts and room. */
  readonly onChange?: (backend: Backend) => void;
}

const NONE: ReadonlySet<Backend> = new Set();

interface Waiter {
  readonly options: ClaimOptions;
  readonly resolve: (lease: Lease) => void;
  readonly reject: (error: GatewayError) => void;
}

/** Backends that are chosen from together. */
interface Tier {
  readonly selection: Selection<Backend>;
  members: readonly Backend[];
}

/**
 * The backends of one service. Claiming one and counting it busy is a single synchronous step, so
 * that a drain sees every request. Backup backends serve only while no other one is usable, and
 * ejected ones only while there is nothing else: the last one is used as long as it is up.
 */
export class Pool {
  readonly service: string;
  readonly backends: readonly Backend[];
  /** `host:port` of every backend. */
  readonly authorities: ReadonlySet<string>;
  /** In the order in which they are turned to. */
  readonly #tiers: readonly [usual: Tier, backup: Tier, ejected: Tier];
  /** Something has changed that decides which backends are in which tier, or their shares. */
  #stale = true;
  readonly #queueTimeoutMs: number;
  readonly #queueLimit: number;
  readonly #onLimit: () => void;
  readonly #onFailure: (backend: Backend, outcome: 'failed' | 'error') => void;
  readonly #onChange: (backend: Backend) => void;
  readonly #queue = new Set<Waiter>();
  #turnedAwayAt = Number.NEGATIVE_INFINITY;
  /** How many requests have waited in line, however that ended, and for how long in all, in ms. */
  readonly waits = { count: 0, ms: 0 };

  constructor(service: string, addresses: readonly BackendAddress[], options: PoolOptions = {}) {
    this.service = service;
    this.backends = addresses.map((address) => new Backend(address));
    for (const backend of this.backends) backend.onChange = this.#changed;
    this.authorities = new Set(addresses.map(({ url }) => authority(url)));
    const tier = () => ({
      selection: createSelection<Backend>(options.balance ?? 'roundrobin'),
      members: [],
    });
    this.#tiers = [tier(), tier(), tier()];
    this.#queueTimeoutMs = options.queueTimeoutMs ?? 60_000;
    this.#queueLimit = options.queueLimit ?? DEFAULT_QUEUE_LIMIT;
    this.#onLimit = options.onLimit ?? (() => {});
    this.#onFailure = options.onFailure ?? (() => {});
    this.#onChange = options.onChange ?? (() => {});
  }

  /** How many requests wait for a backend with room. */
  get queued(): number {
    return this.#queue.size;
  }

  /** Whether a request was turned away of late, as too many waited: more is wanted than waits. */
  get turnsAway(): boolean {
    return performance.now() - this.#turnedAwayAt < OF_LATE_MS;
  }

  /** Whether a backend outside of `tried` may take work, now or when it has room. */
  hasUsableBeyond(tried: ReadonlySet<Backend>): boolean {
    return this.#tierBeyond(tried) !== undefined;
  }

  /** Takes a usable backend with room, or undefined where all of them are full or excluded. */
  claim({ exclude = NONE, prefer, pinned, client = '' }: ClaimOptions = {}): Lease | undefined {
    const bound = prefer ? this.#bound(prefer, exclude) : undefined;
    // A session that is bound to a full backend waits for it, as HAProxy's cookie does.
    if (bound) return bound.hasRoom ? this.#lease(bound) : undefined;
    const last = pinned ? this.#bound(pinned, exclude) : undefined;
    if (last?.hasRoom) return this.#lease(last);
    const backend = this.#tierBeyond(exclude)?.selection.pick(exclude, client);
    return backend && this.#lease(backend);
  }

  /**
   * As `claim`, but waits in line, first come first served, while all usable backends are full.
   * Rejects with `noBackend` where none is usable, and with `queueTimeout` where the wait or the
   * queue is over its limit; with the signal's reason when the client gives up.
   */
  async claimOrWait(options: ClaimOptions = {}, signal?: AbortSignal): Promise<Lease> {
    // Nobody is overtaken: whoever waits could not be served by what is free now (see `admit`).
    const lease = this.claim(options);
    if (lease) return lease;
    if (!this.hasUsableBeyond(options.exclude ?? NONE)) {
      throw new GatewayError('noBackend', `no usable backend for the ${this.service}`);
    }
    if (this.#queue.size >= this.#queueLimit) {
      this.#turnedAwayAt = performance.now();
      this.#onLimit();
      throw new GatewayError(
        'queueTimeout',
        `the queue of the ${this.service} is full (${this.#queueLimit} waiting)`,
      );
    }
    return this.#wait(options, signal);
  }

  /** Serves those in line that can be served now; to be called when a backend's state changed. */
  admit(): void {
    for (const waiter of this.#queue) {
      const lease = this.claim(waiter.options);
      if (lease) waiter.resolve(lease);
      else if (!this.hasUsableBeyond(waiter.options.exclude ?? NONE)) {
        waiter.reject(
          new GatewayError('noBackend', `no usable backend left for the ${this.service}`),
        );
      }
    }
  }

  #wait(options: ClaimOptions, signal?: AbortSignal): Promise<Lease> {
    const began = performance.now();
    return new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', giveUp);
        if (!this.#queue.delete(waiter)) return;
        this.waits.count += 1;
        this.waits.ms += performance.now() - began;
      };
      const giveUp = () => {
        leave();
        reject(signal?.reason);
      };
      const waiter: Waiter = {
        options,
        resolve: (lease) => {
          leave();
          resolve(lease);
        },
        reject: (error) => {
          leave();
          reject(error);
        },
      };
      const timer = setTimeout(() => {
        waiter.reject(
          new GatewayError(
            'queueTimeout',
            `no backend of the ${this.service} became free within ${this.#queueTimeoutMs} ms`,
          ),
        );
      }, this.#queueTimeoutMs);
      signal?.addEventListener('abort', giveUp, { once: true });
      this.#queue.add(waiter);
      if (signal?.aborted) giveUp();
      else if (this.#queue.size === 1) this.#onLimit();
    });
  }

  /** The first tier that has a backend outside of `tried`. */
  #tierBeyond(tried: ReadonlySet<Backend>): Tier | undefined {
    if (this.#stale) this.#sort();
    for (const tier of this.#tiers) {
      if (tier.members.length > tried.size) return tier;
      if (tier.members.some((backend) => !tried.has(backend))) return tier;
    }
    return undefined;
  }

  #sort(): void {
    this.#stale = false;
    const [usual, backup, ejected] = this.#tiers;
    const available = this.backends.filter((backend) => backend.available && backend.share > 0);
    const usable = available.filter((backend) => backend.usable);
    fill(
      usual,
      usable.filter(({ address }) => !address.backup),
    );
    fill(
      backup,
      usable.filter(({ address }) => address.backup),
    );
    fill(
      ejected,
      available.filter((backend) => backend.ejected),
    );
  }

  readonly #changed = (backend: Backend): void => {
    this.#stale = true;
    this.#onChange(backend);
  };

  /** The backend of that name, if who is bound to it may have it: also where its weight is 0. */
  #bound(name: string, exclude: ReadonlySet<Backend>): Backend | undefined {
    const backend = this.backends.find((candidate) => candidate.name === name);
    if (!backend?.usable || exclude.has(backend)) return undefined;
    if (backend.address.backup && !this.#tierBeyond(exclude)?.members.includes(backend)) {
      return undefined;
    }
    return backend;
  }

  #lease(backend: Backend): Lease {
    backend.active += 1;
    backend.claimed += 1;
    return new HeldLease(backend, this.#onReleased);
  }

  readonly #onReleased = (backend: Backend, outcome: Outcome): void => {
    backend.active -= 1;
    if (backend.active >= backend.limit) this.#onLimit();
    if (outcome === 'failed' || outcome === 'error') {
      if (outcome === 'failed') backend.failed += 1;
      backend.failedInARow += 1;
      this.#onFailure(backend, outcome);
    }
    if (this.#queue.size > 0) this.admit();
  };
}

function fill(tier: Tier, members: readonly Backend[]): void {
  tier.members = members;
  tier.selection.reset(members);
}

class HeldLease implements Lease {
  readonly backend: Backend;
  #onReleased: ((backend: Backend, outcome: Outcome) => void) | undefined;
  #isTunnel = false;

  constructor(backend: Backend, onReleased: (backend: Backend, outcome: Outcome) => void) {
    this.backend = backend;
    this.#onReleased = onReleased;
  }

  becomeTunnel(): void {
    if (this.#isTunnel || !this.#onReleased) return;
    this.#isTunnel = true;
    this.backend.tunnels += 1;
    this.backend.failedInARow = 0;
  }

  release(outcome: Outcome): void {
    const onReleased = this.#onReleased;
    if (!onReleased) return;
    this.#onReleased = undefined;
    if (this.#isTunnel) this.backend.tunnels -= 1;
    // A tunnel that ends was a success when it began, and may be ending with its backend.
    else if (outcome === 'ok') this.backend.failedInARow = 0;
    onReleased(this.backend, outcome);
  }
}
