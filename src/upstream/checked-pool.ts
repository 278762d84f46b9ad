import type { Logger } from '../log.ts';
import type { BackendAddress } from './backend-address.ts';
import { HealthMonitor } from './health.ts';
import { checkBackend, type HealthCheck } from './health-check.ts';
import { Pool } from './pool.ts';

export interface CheckedPoolOptions {
  /** What is balanced; a word for logs and messages. */
  readonly service: string;
  readonly backends: readonly BackendAddress[];
  readonly check: HealthCheck;
  /** Pause between two checks, in ms. */
  readonly intervalMs: number;
  readonly rise: number;
  readonly fall: number;
  /** Longest wait for a backend with room, in ms. */
  readonly queueTimeoutMs: number;
  readonly queueLimit: number;
  readonly logger: Logger;
}

/** A pool whose backends are checked from now until `stop`. */
export class CheckedPool {
  readonly pool: Pool;
  /** Resolves when every backend has been checked once. */
  readonly checked: Promise<void>;
  readonly #monitor: HealthMonitor;

  constructor(options: CheckedPoolOptions) {
    const { service, backends, check, ...rest } = options;
    this.pool = new Pool(service, backends, {
      ...rest,
      onFailure: (backend) => this.#monitor.hasten(backend),
    });
    this.#monitor = new HealthMonitor(this.pool, {
      ...rest,
      check: (backend) => checkBackend(backend.address, check),
    });
    this.checked = this.#monitor.start();
  }

  stop(): void {
    this.#monitor.stop();
  }
}
