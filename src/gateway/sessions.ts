import type { Config } from '../config.ts';
import { hostAndPort, reachedAt } from '../config-values.ts';
import { Cluster } from '../memcached/cluster.ts';

/**
 * The dashboards' sessions, to be looked up: in the session cache, which has those of a lost node too,
 * or on the nodes themselves where it is off, or speaks TLS, which this client does not.
 * @param cachePort where the session cache is bound; undefined: it is off
 */
export function sessionsOf(config: Config, cachePort: number | undefined): Cluster {
  const { CACHE_LISTEN: cache, CACHE_TLS, MEMCACHED_SERVERS, MEMCACHED_PLACEMENT } = config;
  if (!cache || cachePort === undefined || CACHE_TLS) {
    return new Cluster({ nodes: MEMCACHED_SERVERS, placement: MEMCACHED_PLACEMENT });
  }
  const node = hostAndPort(reachedAt({ ...cache, port: cachePort }));
  return new Cluster({ nodes: [node], placement: MEMCACHED_PLACEMENT });
}

/** The dashboards' sessions as a control plane needs them: by the configuration of the moment. */
export class Sessions {
  readonly #config: () => Config;
  readonly #cachePort: () => number | undefined;
  #made: { readonly for: string; readonly cluster: Cluster } | undefined;

  constructor(config: () => Config, cachePort: () => number | undefined) {
    this.#config = config;
    this.#cachePort = cachePort;
  }

  get keyPrefix(): string {
    return this.#config().DJANGO_KEY_PREFIX;
  }

  get keyVersion(): number {
    return this.#config().DJANGO_KEY_VERSION;
  }

  /** Where they are now. */
  get cluster(): Cluster {
    const config = this.#config();
    const port = this.#cachePort();
    const { MEMCACHED_SERVERS, MEMCACHED_PLACEMENT, CACHE_TLS } = config;
    const now = JSON.stringify([MEMCACHED_SERVERS, MEMCACHED_PLACEMENT, CACHE_TLS, port]);
    if (this.#made?.for === now) return this.#made.cluster;
    this.close();
    this.#made = { for: now, cluster: sessionsOf(config, port) };
    return this.#made.cluster;
  }

  close(): void {
    this.#made?.cluster.close();
    this.#made = undefined;
  }
}
