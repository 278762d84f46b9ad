import type { ServiceView } from '../admin/state.ts';
import type { Config } from '../config.ts';
import type { Logger } from '../log.ts';
import { Backend } from '../upstream/backend.ts';
import type { BackendAddress } from '../upstream/backend-address.ts';
import { HealthMonitor } from '../upstream/health.ts';
import { checkBackend } from '../upstream/health-check.ts';
import type { ServiceConfig } from './services.ts';

export interface WatchedServiceOptions {
  /** What was watched before: what is known of those that stay need not be found out anew. */
  readonly known: readonly Backend[];
  /** Told when a backend's health has changed. */
  readonly onChange: () => void;
  readonly logger: Logger;
}

/**
 * One service in the control plane: its backends, which are checked from `start` to `stop` whatever
 * the number of data planes, with the sum of what those do with them. Nothing is claimed here.
 */
export class WatchedService implements ServiceView {
  readonly service: string;
  readonly backends: readonly Backend[];
  /** Requests that wait, and tunnels that are open, in all data planes. */
  queued = 0;
  tunnels = 0;
  readonly #monitor: HealthMonitor;

  constructor(
    { service, backends, check }: ServiceConfig,
    config: Config,
    { known, onChange, logger }: WatchedServiceOptions,
  ) {
    this.service = service;
    this.backends = backends.map((address) => backendAs(address, known));
    const members = { backends: this.backends, admit: onChange };
    this.#monitor = new HealthMonitor(members, {
      intervalMs: config.HEALTH_INTERVAL,
      rise: config.HEALTH_RISE,
      fall: config.HEALTH_FALL,
      check: (backend) => checkBackend(backend.address, check),
      logger: logger.child({ service }),
    });
  }

  /** As the admin pages look at it. */
  get pool(): this {
    return this;
  }

  /** Begins to check; resolves when every backend has been checked once. */
  start(): Promise<void> {
    return this.#monitor.start();
  }

  /** Has a backend checked soon: traffic to it has just failed. */
  hasten(name: string): void {
    const backend = this.backends.find((candidate) => candidate.name === name);
    if (backend) this.#monitor.hasten(backend);
  }

  stop(): void {
    this.#monitor.stop();
  }
}

function backendAs(address: BackendAddress, known: readonly Backend[]): Backend {
  const backend = new Backend(address);
  // Health is seen of an address, and what the operator wants is said of a name.
  const seen = known.find((other) => other.address.url.href === address.url.href);
  if (seen) {
    backend.health = seen.health;
    backend.lastCheck = seen.lastCheck;
  }
  backend.adminState = known.find(({ name }) => name === address.name)?.adminState ?? 'ready';
  return backend;
}
