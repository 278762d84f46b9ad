import type { Server } from 'node:net';
import type { Counts } from '../admin/counts.ts';
import type { CacheHealth } from '../cache/cache-health.ts';
import { CacheDoor } from '../cache/door.ts';
import { createSessionCache, type NodeOptions, type SessionCache } from '../cache/session-cache.ts';
import type { Config } from '../config.ts';
import { TlsContexts } from '../listener/tls-contexts.ts';
import type { Logger } from '../log.ts';
import { parseNetworks } from '../policy/networks.ts';

/** How long dashboards that are connected may go on when it closes, in ms: a request of theirs. */
const GRACE_MS = 1_000;

/** The session cache of a gateway, with its door, as they are configured. */
export class CacheService {
  readonly #cache: SessionCache;
  readonly #door: CacheDoor;
  readonly #logger: Logger;
  readonly #drainMs: number;
  /** It has been listened to; what has not cannot be closed. */
  #opened = false;

  constructor(config: Config, logger: Logger) {
    this.#logger = logger;
    this.#drainMs = config.DRAIN_TIMEOUT;
    this.#cache = createSessionCache({
      ...nodesOf(config),
      whenUnsure: config.CACHE_WHEN_UNSURE,
      maxValueBytes: config.CACHE_MAX_VALUE_BYTES,
      // Nodes are shared with others, whose items are none of the cache's business.
      keyPrefix: `${config.DJANGO_KEY_PREFIX}:${config.DJANGO_KEY_VERSION}:`,
      logger,
    });
    this.#door = new CacheDoor({
      store: this.#cache.store,
      allowed: parseNetworks(config.CACHE_ALLOW),
      allowFlush: config.CACHE_ALLOW_FLUSH,
      maxValueBytes: config.CACHE_MAX_VALUE_BYTES,
      ...(config.CACHE_TLS ? { tls: new TlsContexts(config.keyPairs).optionsFor() } : {}),
      logger,
    });
    this.#door.server.once('listening', () => {
      this.#opened = true;
    });
  }

  /** What is to be bound. */
  get server(): Server {
    return this.#door.server;
  }

  health(): CacheHealth {
    return this.#cache.health();
  }

  /** What it has counted, for metrics. */
  counts(): Counts {
    const { commands, outcomes, refused, errors, bytes, connections } = this.#door.counters;
    const nodes = this.#cache.health().nodes.map(({ node, counts }) => [node, counts] as const);
    const door = structuredClone({ commands, outcomes, refused, errors, bytes });
    return {
      totals: {
        cache: { ...door, connections: connections.total, nodes: Object.fromEntries(nodes) },
      },
      levels: { cache: connections.open },
    };
  }

  /** Begins to look after the nodes; the log tells where that takes long. */
  async start(): Promise<void> {
    if (await this.#cache.start()) return;
    const remedy = 'look whether the nodes of MEMCACHED_SERVERS run and can be reached';
    this.#logger.warn({ remedy }, 'the session cache cannot rely on its nodes yet');
  }

  /**
   * Another process takes over: no more connections, but dashboards that are connected go on until they
   * hang up. pylibmc never does, and takes the end of a connection for a miss, which logs a user out; so
   * that comes only after `DRAIN_TIMEOUT`.
   */
  drain(): Promise<void> {
    return this.#close(this.#drainMs);
  }

  /** Moves to other nodes, in the background; nothing where they are what was configured before. */
  moveTo(nodes: NodeOptions): void {
    this.#cache.moveTo(nodes);
  }

  /** Lets dashboards finish what they are at, then ends. */
  close(): Promise<void> {
    return this.#close(GRACE_MS);
  }

  async #close(graceMs: number): Promise<void> {
    if (this.#opened) await this.#door.close({ graceMs });
    this.#cache.close();
  }
}

/** What a running cache can be moved to. */
export function nodesOf(config: Config): NodeOptions {
  return {
    nodes: config.MEMCACHED_SERVERS,
    placement: config.MEMCACHED_PLACEMENT,
    copies: config.SESSION_COPIES,
  };
}
