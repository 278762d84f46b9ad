import type { Logger } from '../log.ts';
import type { BackendAddress } from './backend-address.ts';
import { BackendWatch, type WatchPolicy } from './backend-watch.ts';
import { Pool } from './pool.ts';
import type { Balance } from './selection.ts';

export interface CheckedPoolOptions extends WatchPolicy {
  /** What is balanced; a word for logs and messages. */
  readonly service: string;
  readonly backends: readonly BackendAddress[];
  readonly balance?: Balance;
  /** Longest wait for a backend with room, in ms. */
  readonly queueTimeoutMs: number;
  readonly queueLimit: number;
  readonly logger: Logger;
}

/** A pool whose backends are looked after from now until `stop`. */
export class CheckedPool {
  readonly pool: Pool;
  /** Resolves when every backend has been checked once. */
  readonly checked: Promise<void>;
  readonly #watch: BackendWatch;

  constructor(options: CheckedPoolOptions) {
    const { service, backends, logger } = options;
    this.pool = new Pool(service, backends, {
      ...options,
      onFailure: (backend, outcome) => this.#watch.failed(backend, outcome),
      onChange: (backend) => this.#watch.changed(backend),
    });
    this.#watch = new BackendWatch(this.pool, options, logger);
    this.checked = this.#watch.start();
  }

  stop(): void {
    this.#watch.stop();
  }
}
