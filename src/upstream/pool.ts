import { GatewayError } from '../errors.ts';
import { Backend } from './backend.ts';
import { authority, type BackendAddress } from './backend-address.ts';
import { WeightedRoundRobin } from './selection.ts';

/** Most requests that wait at once, unless told. */
export const DEFAULT_QUEUE_LIMIT = 1024;

/** How a lease ended: the backend did its part, it failed, or the client went away first. */
export type Outcome = 'ok' | 'failed' | 'aborted';

/** A backend, counted busy for one exchange or tunnel until it is released, once. */
export interface Lease {
  readonly backend: Backend;
  release(outcome: Outcome): void;
}

export interface ClaimOptions {
  /** Backends that already failed for this request. */
  readonly exclude?: ReadonlySet<Backend>;
  /** The name of a backend to take if it is usable (affinity). */
  readonly prefer?: string | undefined;
}

export interface PoolOptions {
  /** Longest wait for a free backend, in ms. */
  readonly queueTimeoutMs?: number;
  /** Most requests that wait at once. */
  readonly queueLimit?: number;
  /** Told when a lease ends in a failure of its backend. */
  readonly onFailure?: (backend: Backend) => void;
}

const NONE: ReadonlySet<Backend> = new Set();

interface Waiter {
  readonly options: ClaimOptions;
  readonly resolve: (lease: Lease) => void;
  readonly reject: (error: GatewayError) => void;
}

/**
 * The backends of one service. Claiming one and counting it busy is a single synchronous step, so
 * that a drain sees every request. Backup backends serve only while no other one is usable.
 */
export class Pool {
  readonly service: string;
  readonly backends: readonly Backend[];
  /** `host:port` of every backend. */
  readonly authorities: ReadonlySet<string>;
  readonly #selection: WeightedRoundRobin<Backend>;
  readonly #queueTimeoutMs: number;
  readonly #queueLimit: number;
  readonly #onFailure: (backend: Backend) => void;
  readonly #queue = new Set<Waiter>();

  constructor(service: string, addresses: readonly BackendAddress[], options: PoolOptions = {}) {
    this.service = service;
    this.backends = addresses.map((address) => new Backend(address));
    this.authorities = new Set(addresses.map(({ url }) => authority(url)));
    this.#selection = new WeightedRoundRobin(this.backends);
    this.#queueTimeoutMs = options.queueTimeoutMs ?? 60_000;
    this.#queueLimit = options.queueLimit ?? DEFAULT_QUEUE_LIMIT;
    this.#onFailure = options.onFailure ?? (() => {});
  }

  /** How many requests wait for a backend with room. */
  get queued(): number {
    return this.#queue.size;
  }

  /** Whether a backend outside of `tried` may take work, now or when it has room. */
  hasUsableBeyond(tried: ReadonlySet<Backend>): boolean {
    return this.backends.some((backend) => isUsable(backend, tried));
  }

  /** Takes a usable backend with room, or undefined where all of them are full or excluded. */
  claim({ exclude = NONE, prefer }: ClaimOptions = {}): Lease | undefined {
    const primary = this.#primaryIsUsable(exclude);
    const isCandidate = (backend: Backend) =>
      isUsable(backend, exclude) && !(primary && backend.address.backup);
    const preferred = prefer && this.#named(prefer);
    // A session that is bound to a full backend waits for it, as HAProxy's cookie does.
    if (preferred && isCandidate(preferred)) return this.#leaseIfRoom(preferred);
    const backend = this.#selection.pick((member) => member.hasRoom && isCandidate(member));
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
    return new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', giveUp);
        this.#queue.delete(waiter);
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
    });
  }

  #primaryIsUsable(exclude: ReadonlySet<Backend>): boolean {
    return this.backends.some((backend) => !backend.address.backup && isUsable(backend, exclude));
  }

  #named(name: string): Backend | undefined {
    return this.backends.find((backend) => backend.name === name);
  }

  #leaseIfRoom(backend: Backend): Lease | undefined {
    return backend.hasRoom ? this.#lease(backend) : undefined;
  }

  #lease(backend: Backend): Lease {
    backend.active += 1;
    backend.claimed += 1;
    return new HeldLease(backend, this.#onReleased);
  }

  readonly #onReleased = (backend: Backend, outcome: Outcome): void => {
    backend.active -= 1;
    if (outcome === 'failed') {
      backend.failed += 1;
      this.#onFailure(backend);
    }
    if (this.#queue.size > 0) this.admit();
  };
}

class HeldLease implements Lease {
  readonly backend: Backend;
  #onReleased: ((backend: Backend, outcome: Outcome) => void) | undefined;

  constructor(backend: Backend, onReleased: (backend: Backend, outcome: Outcome) => void) {
    this.backend = backend;
    this.#onReleased = onReleased;
  }

  release(outcome: Outcome): void {
    const onReleased = this.#onReleased;
    this.#onReleased = undefined;
    onReleased?.(this.backend, outcome);
  }
}

function isUsable(backend: Backend, exclude: ReadonlySet<Backend>): boolean {
  return backend.usable && !(exclude.size > 0 && exclude.has(backend));
}
