import type { ServiceView } from '../admin/state.ts';
import type { Config } from '../config.ts';
import type { Logger } from '../log.ts';
import { NO_REQUESTS, type RequestCounts } from '../relay/request-counts.ts';
import { Backend } from '../upstream/backend.ts';
import type { BackendAddress } from '../upstream/backend-address.ts';
import type { BackendHistory } from '../upstream/backend-counters.ts';
import { BackendWatch } from '../upstream/backend-watch.ts';
import type { BackendFailure } from './messages.ts';
import type { ServiceConfig } from './services.ts';
import type { SharedPool } from './shared-control.ts';

export interface WatchedServiceOptions {
  /** What was watched before: what is known of those that stay need not be found out anew. */
  readonly known: readonly Backend[];
  /** What was counted of a backend of that name, which goes on where it comes back. */
  readonly historyOf: (backend: string) => BackendHistory;
  /** Told when anything has changed that decides which backend is chosen. */
  readonly onChange: () => void;
  readonly logger: Logger;
}

/**
 * One service in the control plane: its backends, which are checked from `start` to `stop` whatever
 * the number of data planes, with the sum of what those do with them. Nothing is claimed here.
 */
export class WatchedService implements ServiceView, SharedPool {
  readonly service: string;
  readonly sharesRoom: boolean;
  readonly backends: readonly Backend[];
  /** Requests that wait, and tunnels that are open, in all data planes. */
  queued = 0;
  tunnels = 0;
  /** What all data planes have answered. */
  requests: RequestCounts = NO_REQUESTS;
  readonly #watch: BackendWatch;

  constructor(
    { service, backends, check, ejection }: ServiceConfig,
    config: Config,
    { known, historyOf, onChange, logger }: WatchedServiceOptions,
  ) {
    this.service = service;
    // What a console holds are tunnels, which gateways tell each other of.
    this.sharesRoom = service === 'console';
    this.backends = backends.map((address) => backendAs(address, known));
    for (const backend of this.backends) backend.history = historyOf(backend.name);
    this.#watch = new BackendWatch(
      { backends: this.backends, admit: onChange },
      {
        check,
        ejection,
        slowStartMs: config.SLOW_START,
        intervalMs: config.HEALTH_INTERVAL,
        rise: config.HEALTH_RISE,
        fall: config.HEALTH_FALL,
      },
      logger.child({ service }),
    );
    for (const backend of this.backends) {
      backend.onChange = () => {
        this.#watch.changed(backend);
        onChange();
      };
    }
  }

  /** As the admin pages look at it. */
  get pool(): this {
    return this;
  }

  /** Begins to check; resolves when every backend has been checked once. */
  start(): Promise<void> {
    return this.#watch.start();
  }

  /** Traffic to a backend has failed: it is checked soon, and perhaps left out. */
  failed(name: string, { outcome, inARow }: BackendFailure): void {
    const backend = this.backends.find((candidate) => candidate.name === name);
    if (!backend) return;
    backend.failedInARow = inARow;
    this.#watch.failed(backend, outcome);
  }

  stop(): void {
    this.#watch.stop();
  }
}

function backendAs(address: BackendAddress, known: readonly Backend[]): Backend {
  const backend = new Backend(address);
  // Health is seen of an address, and what the operator wants is said of a name.
  const seen = known.find((other) => other.address.url.href === address.url.href);
  if (seen) {
    backend.health = seen.health;
    backend.healthSince = seen.healthSince;
    backend.silent = seen.silent;
    backend.lastCheck = seen.lastCheck;
  }
  backend.adminState = known.find(({ name }) => name === address.name)?.adminState ?? 'ready';
  return backend;
}
