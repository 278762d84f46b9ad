import type { Backend } from './backend.ts';

/** When traffic that fails has a backend left out for a while. */
export interface EjectionPolicy {
  /** Failures in a row, over all clients, after which it is. */
  readonly failures: number;
  /** How long, in ms, for the first time; twice, three times as long for each that follows soon. */
  readonly baseMs: number;
  /** The longest, in ms. */
  readonly maxMs: number;
  /** Most backends of a pool that are left out at once, in percent; one may be in any case. */
  readonly percent: number;
}

interface Record {
  /** How often it was ejected of late. */
  times: number;
  /** When it is to be taken in again, or was. */
  until: number;
}

/**
 * Ejects backends whose answers to real traffic are failures (connections, handshakes, 5xx), which
 * health checks may not see, and takes them in again after a while. The last usable backend of a
 * pool is never ejected. Time is told by whoever calls, in ms.
 */
export class OutlierEjection {
  readonly #backends: readonly Backend[];
  readonly #policy: EjectionPolicy;
  readonly #onEjected: (backend: Backend, forMs: number) => void;
  readonly #onReturned: (backend: Backend) => void;
  readonly #records = new Map<Backend, Record>();

  constructor(
    backends: readonly Backend[],
    policy: EjectionPolicy,
    onEjected: (backend: Backend, forMs: number) => void,
    onReturned: (backend: Backend) => void,
  ) {
    this.#backends = backends;
    this.#policy = policy;
    this.#onEjected = onEjected;
    this.#onReturned = onReturned;
  }

  /** When `advance` has something to do; infinite for never. */
  get due(): number {
    let due = Number.POSITIVE_INFINITY;
    for (const [backend, { until }] of this.#records) {
      if (backend.ejected && until < due) due = until;
    }
    return due;
  }

  /** A lease of the backend ended in a failure, which is counted in it already. */
  failed(backend: Backend, now: number): void {
    const { failures, baseMs, maxMs } = this.#policy;
    if (backend.failedInARow < failures || backend.ejected || !this.#mayEject(backend)) return;
    const last = this.#records.get(backend) ?? { times: 0, until: now };
    // Each time of `baseMs` that it did well makes up for one ejection.
    const forgiven = Math.floor((now - last.until) / baseMs);
    const times = Math.max(0, last.times - forgiven) + 1;
    const forMs = Math.min(baseMs * times, maxMs);
    this.#records.set(backend, { times, until: now + forMs });
    backend.ejected = true;
    this.#onEjected(backend, forMs);
  }

  /** Takes in whose time is over. */
  advance(now: number): void {
    for (const [backend, { until }] of this.#records) {
      if (now >= until) this.#takeIn(backend);
    }
  }

  /**
   * A health check of the backend is good after one that was not: what failed was seen by the checks as
   * well and is over, such as a restart, and nobody has to wait for the end of its time.
   */
  recovered(backend: Backend, now: number): void {
    const record = this.#records.get(backend);
    if (!record || !backend.ejected) return;
    record.until = now;
    this.#takeIn(backend);
  }

  #takeIn(backend: Backend): void {
    if (!backend.ejected) return;
    backend.ejected = false;
    this.#onReturned(backend);
  }

  #mayEject(backend: Backend): boolean {
    const ejected = this.#backends.filter((other) => other.ejected).length;
    const most = Math.max(1, Math.floor((this.#backends.length * this.#policy.percent) / 100));
    const others = this.#backends.some(
      (other) => other !== backend && other.usable && other.share > 0,
    );
    return ejected < most && others;
  }
}
