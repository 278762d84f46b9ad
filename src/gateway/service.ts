import type { Server } from 'node:net';
import type { AccessLog } from '../access-log/access-log.ts';
import type { Busy } from '../access-log/http-line.ts';
import type { ServiceTotals } from '../admin/counts.ts';
import type { Config } from '../config.ts';
import type { ConnectionLimit } from '../listener/connection-limit.ts';
import { Listener } from '../listener/listener.ts';
import type { TlsContexts } from '../listener/tls-contexts.ts';
import type { Logger } from '../log.ts';
import { assertAllowed } from '../policy/access.ts';
import { AffinityCookie } from '../policy/cookies.ts';
import { parseNetworks, trusts } from '../policy/networks.ts';
import { isRoot } from '../policy/redirect.ts';
import { Seats } from '../policy/seats.ts';
import type { Admission } from '../relay/admission.ts';
import type { TunnelPins } from '../relay/downstream-context.ts';
import { Relay } from '../relay/relay.ts';
import { RequestCounter } from '../relay/request-counts.ts';
import type { Backend } from '../upstream/backend.ts';
import type { BackendAddress } from '../upstream/backend-address.ts';
import { Pool } from '../upstream/pool.ts';
import type { Balance } from '../upstream/selection.ts';
import { BatchingReport } from './batching-report.ts';
import { CountingReport } from './counting-report.ts';
import type { ListenerMeter } from './listener-meter.ts';
import type { BackendFailure, OpenTunnel, ServiceReport, ServiceSnapshot } from './messages.ts';
import type { RateControl } from './rate-control.ts';
import { RelayLog } from './relay-log.ts';
import { RelayMeter } from './relay-meter.ts';

const UNLIMITED = Number.POSITIVE_INFINITY;
/** Within that time, in ms, all websockets are closed when the gateway stops. */
const LONGEST_SPREAD_MS = 10_000;

/** What sets one service apart from the other. */
export interface ServiceOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly accessLog: AccessLog;
  readonly rates: RateControl;
  readonly tls: TlsContexts;
  /** Of clients that are connected, over all services. */
  readonly limit: ConnectionLimit;
  /** What is balanced; a word for logs and messages. */
  readonly service: string;
  readonly backends: readonly BackendAddress[];
  readonly balance: Balance;
  /** Most requests that wait at once. */
  readonly queueLimit: number;
  /** Told when a request has to wait in line where none did. */
  readonly onLimit: () => void;
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
  /** Undefined where there are no metrics. */
  readonly #meter: RelayMeter | undefined;
  readonly #report: BatchingReport;
  readonly #listeners = new Map<'https' | 'http', Listener>();
  #draining = false;
  #refusedConnections = 0;

  constructor(options: ServiceOptions) {
    const { config, service, backends, logger, rootRedirect, deny = [] } = options;
    this.#options = options;
    this.#pool = new Pool(service, backends, {
      balance: options.balance,
      queueTimeoutMs: config.QUEUE_TIMEOUT,
      queueLimit: options.queueLimit,
      onLimit: options.onLimit,
      onFailure: ({ name, failedInARow: inARow }, outcome) => {
        options.onFailure(name, { outcome, inARow });
      },
    });
    for (const backend of this.#pool.backends) {
      // Until it is told what of them is its part.
      if (backend.limit !== UNLIMITED) backend.limit = 0;
    }
    const log = new RelayLog(logger, options.accessLog, {
      service,
      affinity: options.affinityCookie
        ? new Set(this.#pool.backends.map(({ name }) => name))
        : undefined,
      busy: (backend) => this.#busy(backend),
    });
    this.#meter = config.METRICS ? new RelayMeter(log) : undefined;
    this.#report = new BatchingReport(
      new CountingReport(this.#meter ?? log, this.#requests),
      // A line of httplog tells what is busy at the moment.
      options.accessLog.format === 'httplog' ? 1 : undefined,
    );
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
        bodyRate: config.BODY_RATE ?? 0,
        tunnelMs: config.TUNNEL_TIMEOUT,
      },
      tunnelLimits: {
        drainMs: config.DRAIN_TIMEOUT,
        pingMs: config.TUNNEL_PING,
        durationMs: config.TUNNEL_MAX_DURATION,
      },
      route: ({ method, target, lines }, peer) => {
        assertAllowed(target, deny);
        options.rates.assertWithin(method, target, lines, peer);
        return rootRedirect && isRoot(target) ? rootRedirect : undefined;
      },
      admission: options.admission,
      pins: options.pins,
      report: this.#report,
    });
  }

  get name(): string {
    return this.#pool.service;
  }

  /** Connections of addresses that had as many as they may. */
  get refusedConnections(): number {
    return this.#refusedConnections;
  }

  /**
   * A server of the service, to be bound: with TLS, or without for a proxy in front that has it. All of
   * one scheme belong to one listener.
   */
  server(scheme: 'https' | 'http', meter: ListenerMeter): Server {
    const known = this.#listeners.get(scheme);
    if (known) return known.addServer();
    const listener = this.#listener(scheme, meter);
    this.#listeners.set(scheme, listener);
    return listener.server;
  }

  #listener(scheme: 'https' | 'http', meter: ListenerMeter): Listener {
    const { config, tls, limit, logger } = this.#options;
    const trusted = parseNetworks(config.TRUSTED_PROXIES);
    const proxies = config.PROXY_PROTOCOL_FROM;
    const most = config.CONNECTIONS_PER_ADDRESS;
    const seats = most === undefined ? undefined : new Seats(most);
    return new Listener({
      tls: scheme === 'https' ? tls : undefined,
      limit,
      handshakeTimeoutMs: config.HANDSHAKE_TIMEOUT,
      proxies: proxies.length > 0 ? parseNetworks(proxies) : undefined,
      proxyTimeoutMs: config.HANDSHAKE_TIMEOUT,
      seatOf: seats && ((address) => (trusts(trusted, address) ? 'free' : seats.tryTake(address))),
      onConnection: (socket, endpoints) => {
        const { address } = endpoints;
        const client = {
          endpoints,
          address,
          proxies: trusts(trusted, address) ? trusted : undefined,
          scheme,
        };
        this.#relay.accept(socket, client);
      },
      // Connections that come to nothing are the clients' affair.
      onRefused: (refusal) => {
        if (refusal.cause === 'address') this.#refusedConnections += 1;
        meter.refused(refusal.cause);
        logger.debug(refusal, 'connection refused');
      },
      onSecured: (resumed) => meter.secured(resumed),
    });
  }

  /** Selects by this from now on; a backend that it does not name stays as it was. */
  apply({ backends }: ServiceSnapshot): void {
    const told = new Map(backends.map((backend) => [backend.name, backend]));
    const gone: Backend[] = [];
    for (const backend of this.#pool.backends) {
      const news = told.get(backend.name);
      if (!news) continue;
      if (news.silent && !backend.silent) gone.push(backend);
      backend.silent = news.silent;
      backend.health = news.health;
      backend.adminState = news.adminState;
      backend.ejected = news.ejected;
      backend.weight = news.weight;
      backend.loadOffset = news.loadOffset;
      if (!this.#draining) backend.limit = news.limit ?? UNLIMITED;
    }
    this.#pool.admit();
    // Not before it is known who is there instead.
    for (const backend of gone) this.#relay.leave(backend);
  }

  report(): ServiceReport {
    if (this.#draining) this.#lowerLimits();
    this.flush();
    return {
      name: this.name,
      queued: this.#pool.queued,
      turnsAway: this.#pool.turnsAway,
      tunnels: this.#relay.tunnels,
      requests: this.#requests.read(),
      backends: this.#pool.backends.map((backend) => {
        const { name, active, tunnels, limit, claimed, failed, failedInARow } = backend;
        const most = limit === UNLIMITED ? null : limit;
        return { name, active, tunnels, limit: most, claimed, failed, failedInARow };
      }),
    };
  }

  /** The newest of its open tunnels, at most so many. */
  openTunnels(most: number): OpenTunnel[] {
    return this.#relay.viewTunnels(most).map(({ number, ...view }) => {
      return { id: `${this.name}-${number}`, service: this.name, ...view };
    });
  }

  /** Ends the tunnel of that id; whether it was there. */
  endTunnel(id: string): boolean {
    const [service, number] = id.split('-');
    return service === this.name && this.#relay.endTunnel(Number(number));
  }

  /** What it has counted; undefined where there are no metrics. */
  totals(): ServiceTotals | undefined {
    this.flush();
    return this.#meter?.totals(this.#pool, this.#relay.counters);
  }

  /** Counts and logs what has been answered, as far as it is not yet. */
  flush(): void {
    this.#report.flush();
  }

  /** Connections to each backend that are open for requests. */
  upstreamConnections(): Record<string, number> {
    return Object.fromEntries(
      this.#pool.backends.map(({ name, traffic }) => [name, traffic.connections]),
    );
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

  #busy(name: string | undefined): Busy {
    const { backends } = this.#pool;
    const { clients } = this.#relay;
    return {
      // The listener has heard first of a connection that is closed.
      process: Math.max(this.#options.limit.open, clients),
      frontend: clients,
      backends: backends.reduce((sum, { active }) => sum + active, 0),
      backend: backends.find((backend) => backend.name === name)?.active ?? 0,
    };
  }

  #lowerLimits(): void {
    for (const backend of this.#pool.backends) {
      if (backend.limit !== UNLIMITED) backend.limit = Math.min(backend.limit, backend.active + 1);
    }
  }
}
