import type { Server } from 'node:net';
import type { Config } from '../config.ts';
import { messageOf } from '../errors.ts';
import type { ConnectionLimit } from '../listener/connection-limit.ts';
import { Listener } from '../listener/listener.ts';
import type { TlsContexts } from '../listener/tls-contexts.ts';
import type { Logger } from '../log.ts';
import { assertAllowed } from '../policy/access.ts';
import { AffinityCookie } from '../policy/cookies.ts';
import { parseNetworks, trusts } from '../policy/networks.ts';
import { isRoot } from '../policy/redirect.ts';
import { Relay } from '../relay/relay.ts';
import { CheckedPool, type CheckedPoolOptions } from '../upstream/checked-pool.ts';
import type { Pool } from '../upstream/pool.ts';
import { RelayLog } from './relay-log.ts';

/** What sets one service apart from the other. */
export interface ServiceOptions extends Pick<CheckedPoolOptions, 'service' | 'backends' | 'check'> {
  readonly config: Config;
  readonly logger: Logger;
  readonly tls: TlsContexts;
  /** Of clients that are connected, over all services. */
  readonly limit: ConnectionLimit;
  /** Where a request for `/` is sent. */
  readonly rootRedirect?: string | undefined;
  /** Paths that are closed to the outside. */
  readonly deny?: readonly string[];
  /** Name of the affinity cookie; none where undefined. */
  readonly affinityCookie?: string | undefined;
}

/** One service: its listeners, the relay behind them, and the pool that the relay serves from. */
export class Service {
  readonly pool: Pool;
  /** Resolves when every backend has been checked once. */
  readonly checked: Promise<void>;
  readonly #balanced: CheckedPool;
  readonly #relay: Relay;
  readonly #options: ServiceOptions;

  constructor(options: ServiceOptions) {
    const { config, service, backends, check, logger, rootRedirect, deny = [] } = options;
    this.#options = options;
    this.#balanced = new CheckedPool({
      service,
      backends,
      check,
      intervalMs: config.HEALTH_INTERVAL,
      rise: config.HEALTH_RISE,
      fall: config.HEALTH_FALL,
      queueTimeoutMs: config.QUEUE_TIMEOUT,
      queueLimit: config.QUEUE_LIMIT,
      logger,
    });
    this.pool = this.#balanced.pool;
    this.checked = this.#balanced.checked;
    this.#relay = new Relay({
      pool: this.pool,
      retries: config.RETRIES,
      affinity: options.affinityCookie ? new AffinityCookie(options.affinityCookie) : undefined,
      hsts: config.HSTS,
      timeouts: {
        connectMs: config.CONNECT_TIMEOUT,
        serverMs: config.SERVER_TIMEOUT,
        idleMs: config.UPSTREAM_KEEPALIVE_TIMEOUT,
        headerMs: config.HEADER_TIMEOUT,
        keepAliveMs: config.KEEPALIVE_TIMEOUT,
        clientMs: config.CLIENT_TIMEOUT,
        tunnelMs: config.TUNNEL_TIMEOUT,
      },
      route: (_method, target) => {
        assertAllowed(target, deny);
        return rootRedirect && isRoot(target) ? rootRedirect : undefined;
      },
      report: new RelayLog(logger, config.ACCESS_LOG),
    });
  }

  /** A listener of the service, to be bound: with TLS, or without for a proxy in front that has it. */
  listener(scheme: 'https' | 'http'): Server {
    const { config, tls, limit, logger } = this.#options;
    const trusted = parseNetworks(config.TRUSTED_PROXIES);
    const proxies = config.PROXY_PROTOCOL_FROM;
    const listener = new Listener({
      tls: scheme === 'https' ? tls : undefined,
      limit,
      handshakeTimeoutMs: config.HANDSHAKE_TIMEOUT,
      proxies: proxies.length > 0 ? parseNetworks(proxies) : undefined,
      proxyTimeoutMs: config.HANDSHAKE_TIMEOUT,
      onConnection: (socket, endpoints) => {
        const { address } = endpoints;
        const client = { endpoints, address, trusted: trusts(trusted, address), scheme };
        this.#relay.accept(socket, client);
      },
      // Connections that come to nothing are the clients' affair.
      onRefused: (refusal) => logger.debug(refusal, 'connection refused'),
    });
    return listener.server;
  }

  /** Open tunnels. */
  get tunnels(): number {
    return this.#relay.tunnels;
  }

  /**
   * Reads the files of ca=… options anew, for connections from now on. One that cannot be used
   * leaves its backend as it was, and the log says why.
   */
  reloadAuthorities(): void {
    for (const { address, name } of this.pool.backends) {
      try {
        address.tls?.reload();
      } catch (error) {
        const fields = { backend: name, detail: `ca=… ${messageOf(error)}` };
        this.#options.logger.error(fields, 'authorities stay as they were');
      }
    }
  }

  /** Stops health checks, tunnels and idle connections; requests under way go on. */
  retire(): void {
    this.#balanced.stop();
    this.#relay.retire();
  }
}
