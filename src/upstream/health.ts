import type { Logger } from '../log.ts';
import type { Backend } from './backend.ts';
import type { CheckResult } from './check-result.ts';
import type { Pool } from './pool.ts';

export interface HealthOptions {
  /** Pause between the end of one check and the start of the next, in ms. */
  readonly intervalMs: number;
  /** Good checks in a row that bring a backend up. */
  readonly rise: number;
  /** Bad checks in a row that take a backend down. */
  readonly fall: number;
  readonly check: (backend: Backend) => Promise<CheckResult>;
  readonly logger: Logger;
}

/** What is checked, and who is told when a backend's health has changed. */
export type CheckedBackends = Pick<Pool, 'backends' | 'admit'>;

/**
 * Active health checks of a pool, one loop per backend. The first check of a backend decides at
 * once; after it `rise` and `fall` count, as in HAProxy.
 */
export class HealthMonitor {
  readonly #pool: CheckedBackends;
  readonly #options: HealthOptions;
  readonly #loops = new Map<Backend, CheckLoop>();

  constructor(pool: CheckedBackends, options: HealthOptions) {
    this.#pool = pool;
    this.#options = options;
  }

  /** Starts checking; resolves when every backend has been checked once. */
  async start(): Promise<void> {
    for (const backend of this.#pool.backends) {
      this.#loops.set(backend, new CheckLoop(backend, this.#options, () => this.#pool.admit()));
    }
    await Promise.all([...this.#loops.values()].map((loop) => loop.run()));
  }

  /** Checks a backend now instead of at its next turn: traffic to it has just failed. */
  hasten(backend: Backend): void {
    this.#loops.get(backend)?.hasten();
  }

  stop(): void {
    for (const loop of this.#loops.values()) loop.stop();
    this.#loops.clear();
  }
}

class CheckLoop {
  readonly #backend: Backend;
  readonly #options: HealthOptions;
  readonly #onChange: () => void;
  #timer: NodeJS.Timeout | undefined;
  #running = false;
  #stopped = false;
  /** Results in a row that speak against the present health. */
  #against = 0;

  constructor(backend: Backend, options: HealthOptions, onChange: () => void) {
    this.#backend = backend;
    this.#options = options;
    this.#onChange = onChange;
  }

  async run(): Promise<void> {
    this.#running = true;
    const started = performance.now();
    const result = await this.#options.check(this.#backend);
    this.#running = false;
    if (this.#stopped) return;
    this.#backend.lastCheck = {
      at: new Date(),
      durationMs: performance.now() - started,
      ...result,
    };
    this.#backend.history.checks += 1;
    if (!result.ok) this.#backend.history.failedChecks += 1;
    if (!result.unasked) this.#judge(result);
    this.#timer = setTimeout(() => void this.run(), this.#options.intervalMs);
    this.#timer.unref();
  }

  hasten(): void {
    // A backend that is known to be down is left to its regular turns.
    if (this.#running || this.#stopped || this.#backend.health === 'down') return;
    clearTimeout(this.#timer);
    void this.run();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #judge({ ok, detail, silent = false }: CheckResult): void {
    const backend = this.#backend;
    const next = ok ? 'up' : 'down';
    if (backend.health === next) {
      this.#against = 0;
      return;
    }
    this.#against += 1;
    const needed = ok ? this.#options.rise : this.#options.fall;
    if (backend.health !== 'unknown' && this.#against < needed) return;
    this.#against = 0;
    const first = backend.health === 'unknown';
    // First, as whoever is told of the health looks at both.
    backend.silent = !ok && silent;
    backend.health = next;
    const fields = { backend: backend.name, detail };
    if (!ok) {
      backend.history.falls += 1;
      this.#options.logger.warn(fields, 'backend is down');
    } else if (first) this.#options.logger.info(fields, 'backend is up');
    else this.#options.logger.info(fields, 'backend is up again');
    this.#onChange();
  }
}
