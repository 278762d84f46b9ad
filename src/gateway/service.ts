import type { Server } from 'node:net';
import type { Config } from '../config.ts';
import type { ConnectionLimit } from '../listener/connection-limit.ts';
import { Listener } from '../listener/listener.ts';
import type { TlsContexts } from '../listener/tls-contexts.ts';
import type { Logger } from '../log.ts';
import { assertAllowed } from '../policy/access.ts';
import { AffinityCookie } from '../policy/cookies.ts';
import { parseNetworks, trusts } from '../policy/networks.ts';
import { isRoot } from '../policy/redirect.ts';
import type { Admission } from '../relay/admission.ts';
import type { TunnelPins } from '../relay/downstream-context.ts';
import { Relay } from '../relay/relay.ts';
import { RequestCounter } from '../relay/request-counts.ts';
import type { BackendAddress } from '../upstream/backend-address.ts';
import { Pool } from '../upstream/pool.ts';
import type { Balance } from '../upstream/selection.ts';
import { CountingReport } from './counting-report.ts';
import type { BackendFailure, ServiceReport, ServiceSnapshot } from './messages.ts';
import { RelayLog } from './relay-log.ts';

const UNLIMITED = Number.POSITIVE_INFINITY;
/** Within that time, in ms, all websockets are closed when the gateway stops. */
const LONGEST_SPREAD_MS = 10_000;

/** What sets one service apart from the other. */
export interface ServiceOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly tls: TlsContexts;
  /** Of clients that are connected, over all services. */
  readonly limit: ConnectionLimit;
  /** What is balanced; a word for logs and messages. */
  readonly service: string;
  readonly backends: readonly BackendAddress[];
  readonly balance: Balance;
  /** Most requests that wait at once. */
  readonly queueLimit: number;
  /** Told when a lease ends in a failure of its backend, or in an error that it answered. */
  readonly onFailure: (backend: string, failure: BackendFailure) => void;
  /** Where a request for `/` is sent. */
  readonly rootRedirect?: string | undefined;
  /** Paths that are closed to the outside. */
  readonly deny?: readonly string[];
  /** Who may have a websocket; everybody unless told. */
  readonly admission?: Admission | undefined;
  /** Where consoles that reconnect go back to; undefined: anywhere. */
  readonly pins?: TunnelPins | undefined;
  /** Name of the affinity cookie; none where undefined. */
  readonly affinityCookie?: string | undefined;
}

/**
 * One service in the data plane: its listeners, the relay behind them, and the pool that the relay
 * serves from, whose backends are as well as the latest snapshot says.
 */
export class Service {
  readonly #pool: Pool;
  readonly #relay: Relay;
  readonly #requests = new RequestCounter();
  readonly #options: ServiceOptions;
  #draining = false;

  constructor(options: ServiceOptions) {
    const { config, service, backends, logger, rootRedirect, deny = [] } = options;
    this.#options = options;
    this.#pool = new Pool(service, backends, {
      balance: options.balance,
      queueTimeoutMs: config.QUEUE_TIMEOUT,
      queueLimit: options.queueLimit,
      onFailure: ({ name, failedInARow: inARow }, outcome) => {
        options.onFailure(name, { outcome, inARow });
      },
    });
    for (const backend of this.#pool.backends) {
      // Until it is told what of them is its part.
      if (backend.limit !== UNLIMITED) backend.limit = 0;
    }
    this.#relay = new Relay({
      pool: this.#pool,
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
      tunnelLimits: {
        drainMs: config.DRAIN_TIMEOUT,
        pingMs: config.TUNNEL_PING,
        durationMs: config.TUNNEL_MAX_DURATION,
      },
      route: (_method, target) => {
        assertAllowed(target, deny);
        return rootRedirect && isRoot(target) ? rootRedirect : undefined;
      },
      admission: options.admission,
      pins: options.pins,
      report: new CountingReport(new RelayLog(logger, config.ACCESS_LOG), this.#requests),
    });
  }

  get name(): string {
    return this.#pool.service;
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

  /** Selects by this from now on; a backend that it does not name stays as it was. */
  apply({ backends }: ServiceSnapshot): void {
    const told = new Map(backends.map((backend) => [backend.name, backend]));
    for (const backend of this.#pool.backends) {
      const news = told.get(backend.name);
      if (!news) continue;
      backend.health = news.health;
      backend.adminState = news.adminState;
      backend.ejected = news.ejected;
      backend.weight = news.weight;
      backend.loadOffset = news.loadOffset;
      if (!this.#draining) backend.limit = news.limit ?? UNLIMITED;
    }
    this.#pool.admit();
  }

  report(): ServiceReport {
    if (this.#draining) this.#lowerLimits();
    return {
      name: this.name,
      queued: this.#pool.queued,
      tunnels: this.#relay.tunnels,
      requests: this.#requests.read(),
      backends: this.#pool.backends.map((backend) => {
        const { name, active, tunnels, limit, claimed, failed, failedInARow } = backend;
        const most = limit === UNLIMITED ? null : limit;
        return { name, active, tunnels, limit: most, claimed, failed, failedInARow };
      }),
    };
  }

  /**
   * Every request from now on is the last of its connection; websockets go on. What may be taken of a
   * backend with a limit sinks with what is held, but for one lease, by which requests that are still
   * to come are served one after the other.
   */
  drain(): void {
    this.#draining = true;
    this.#relay.drain();
    this.#lowerLimits();
  }

  /** Ends idle connections, and websockets one after the other; requests under way go on. */
  retire(): void {
    const { SHUTDOWN_TIMEOUT } = this.#options.config;
    this.#relay.retire(Math.min(LONGEST_SPREAD_MS, SHUTDOWN_TIMEOUT / 2));
  }

  #lowerLimits(): void {
    for (const backend of this.#pool.backends) {
      if (backend.limit !== UNLIMITED) backend.limit = Math.min(backend.limit, backend.active + 1);
    }
  }
}
