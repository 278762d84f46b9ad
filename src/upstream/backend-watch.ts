import type { Logger } from '../log.ts';
import type { Backend } from './backend.ts';
import type { CheckResult } from './check-result.ts';
import { type EjectionPolicy, OutlierEjection } from './ejection.ts';
import { type CheckedBackends, HealthMonitor } from './health.ts';
import { checkBackend, type HealthCheck } from './health-check.ts';
import { SlowStart } from './slow-start.ts';

/** How backends are looked after. */
export interface WatchPolicy {
  readonly check: HealthCheck;
  /** Pause between two checks, in ms. */
  readonly intervalMs: number;
  /** Good checks in a row that bring a backend up. */
  readonly rise: number;
  /** Bad checks in a row that take a backend down. */
  readonly fall: number;
  /** Which traffic that fails has a backend left out; undefined: none. */
  readonly ejection?: EjectionPolicy | undefined;
  /** How long a backend that comes back takes to have its whole share, in ms; undefined: it has it. */
  readonly slowStartMs?: number | undefined;
}

/**
 * Looks after backends: checks them, ejects them when traffic to them fails, and gives them their
 * share little by little when they come back. It knows nothing of claims and leases: what it finds
 * out it sets in the backends, and whoever has the traffic tells it what fails.
 */
export class BackendWatch {
  readonly #watched: CheckedBackends;
  readonly #monitor: HealthMonitor;
  readonly #ejection: OutlierEjection | undefined;
  readonly #slowStart: SlowStart | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(watched: CheckedBackends, policy: WatchPolicy, logger: Logger) {
    const { check, ejection, slowStartMs, intervalMs, rise, fall } = policy;
    this.#watched = watched;
    this.#slowStart = slowStartMs === undefined ? undefined : new SlowStart(slowStartMs);
    this.#ejection =
      ejection &&
      new OutlierEjection(
        watched.backends,
        ejection,
        (backend, forMs) => {
          const { name, history } = backend;
          history.ejections += 1;
          backend.ejectedUntil = new Date(Date.now() + forMs);
          logger.warn({ backend: name, failures: ejection.failures, forMs }, 'backend is ejected');
        },
        ({ name }) => logger.info({ backend: name }, 'backend is taken in again'),
      );
    this.#monitor = new HealthMonitor(watched, {
      intervalMs,
      rise,
      fall,
      logger,
      check: (backend) => this.#check(backend, check),
    });
  }

  /** Begins to check; resolves when every backend has been checked once. */
  start(): Promise<void> {
    return this.#monitor.start();
  }

  stop(): void {
    this.#stopped = true;
    this.#monitor.stop();
    clearTimeout(this.#timer);
  }

  /** Something about a backend has changed that decides who is chosen. */
  changed(backend: Backend): void {
    this.#slowStart?.changed(backend, performance.now());
    this.#arm();
  }

  /** A lease ended in a failure of the backend, or in an error that it answered; it is counted in it. */
  failed(backend: Backend, outcome: 'failed' | 'error'): void {
    this.#ejection?.failed(backend, performance.now());
    if (outcome === 'failed') this.#monitor.hasten(backend);
  }

  async #check(backend: Backend, check: HealthCheck): Promise<CheckResult> {
    const wasBad = backend.lastCheck?.ok === false;
    const result = await checkBackend(backend.address, check);
    if (result.ok && wasBad) this.#ejection?.recovered(backend, performance.now());
    return result;
  }

  /** Has itself called when something is due next. */
  #arm(): void {
    clearTimeout(this.#timer);
    const due = Math.min(
      this.#ejection?.due ?? Number.POSITIVE_INFINITY,
      this.#slowStart?.due ?? Number.POSITIVE_INFINITY,
    );
    if (due === Number.POSITIVE_INFINITY || this.#stopped) return;
    const wait = Math.max(1, Math.ceil(due - performance.now()));
    this.#timer = setTimeout(() => this.#advance(), wait);
    this.#timer.unref();
  }

  #advance(): void {
    const now = performance.now();
    this.#ejection?.advance(now);
    this.#slowStart?.advance(now);
    this.#watched.admit();
    this.#arm();
  }
}
