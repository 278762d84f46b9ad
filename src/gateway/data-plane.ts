import type { Server } from 'node:net';
import { AccessLog } from '../access-log/access-log.ts';
import type { Counts } from '../admin/counts.ts';
import type { Config } from '../config.ts';
import { ConnectionLimit, clientsWithinOpenFiles } from '../listener/connection-limit.ts';
import { TlsContexts } from '../listener/tls-contexts.ts';
import type { Logger } from '../log.ts';
import type { Cluster } from '../memcached/cluster.ts';
import { connectStateNodes, type StateNode } from '../memcached/state-node.ts';
import { ConsoleAdmission } from './admission.ts';
import { consolePins } from './identity.ts';
import { flushAtExit, forgetFlush } from './last-flush.ts';
import { ListenerMeter } from './listener-meter.ts';
import type { DataListener } from './listeners.ts';
import type {
  BackendFailure,
  DataReport,
  OpenTunnel,
  Snapshot,
  Totals,
  Uplink,
} from './messages.ts';
import { RateControl } from './rate-control.ts';
import { createRedirector } from './redirector.ts';
import { Service } from './service.ts';
import { serviceConfigs } from './services.ts';
import { sessionsOf } from './sessions.ts';
import { partOf, type Share } from './share.ts';
import { Shutdown } from './shutdown.ts';

export interface DataPlaneOptions {
  /**
   * What session tickets are sealed by where no TLS_TICKET_SECRET is set: the same in all data planes of
   * a gateway, and kept over a reload.
   */
  readonly ticketSecret: Buffer;
  readonly share: Share;
  readonly uplink: Uplink;
  /** Told when a request has to wait for a backend with room, which other data planes may have. */
  readonly onLimit?: () => void;
  /** Port of the portal, for the redirector. */
  readonly portalPort: number;
  /** Port of the session cache, to look sessions up; undefined: it is off. */
  readonly cachePort: number | undefined;
  readonly logger: Logger;
}

/**
 * What clients' bytes go through: listeners, TLS, relays and tunnels. It makes no decision that
 * needs the network but selects from the latest snapshot, and is told, not asked, what to do.
 */
export class DataPlane {
  readonly #config: Config;
  readonly #options: DataPlaneOptions;
  readonly #tls: TlsContexts;
  readonly #limit: ConnectionLimit;
  readonly #accessLog: AccessLog;
  readonly #rates: RateControl;
  readonly #services: ReadonlyMap<string, Service>;
  /** For a console that needs a session. */
  readonly #sessions: Cluster | undefined;
  /** For pins. */
  readonly #nodes: readonly StateNode[];
  readonly #shutdowns: Shutdown[] = [];
  readonly #meters = new Map<DataListener, ListenerMeter>();
  readonly #flush = (): void => {
    for (const service of this.#services.values()) service.flush();
  };

  /** @throws Error where a certificate cannot be used. */
  constructor(config: Config, options: DataPlaneOptions) {
    const { share, uplink, logger } = options;
    this.#config = config;
    this.#options = options;
    const ticketSecret = config.TLS_TICKET_SECRET ?? options.ticketSecret;
    this.#tls = new TlsContexts(config.keyPairs, { ticketSecret });
    this.#limit = limitOf(config, share, logger);
    this.#accessLog = new AccessLog({
      destination: config.ACCESS_LOG,
      format: config.ACCESS_LOG_FORMAT,
      sample: config.ACCESS_LOG_SAMPLE,
      slowMs: config.ACCESS_LOG_SLOW,
      logger,
    });
    const accessLog = this.#accessLog;
    this.#rates = new RateControl(config, uplink, logger);
    const rates = this.#rates;
    const shared = { config, tls: this.#tls, limit: this.#limit, accessLog, rates };
    this.#sessions = config.CONSOLE_REQUIRE_SESSION
      ? sessionsOf(config, options.cachePort)
      : undefined;
    const admission = new ConsoleAdmission(config, this.#sessions);
    const queueLimit = partOf(config.QUEUE_LIMIT, share);
    this.#nodes = config.CONSOLE_PIN_TTL ? connectStateNodes(config.MEMCACHED_SERVERS) : [];
    const pins = consolePins(config, this.#nodes);
    this.#services = new Map(
      serviceConfigs(config).map(({ service, check: _check, ejection: _ejection, ...rest }) => {
        const onFailure = (backend: string, failure: BackendFailure) => {
          uplink.backendFailed(service, backend, failure);
        };
        const log = logger.child({ service });
        const own = service === 'console' ? { admission, pins } : {};
        const told = { onLimit: options.onLimit ?? (() => {}), onFailure, logger: log };
        return [service, new Service({ ...shared, ...rest, ...own, ...told, service, queueLimit })];
      }),
    );
    // Before the log is written for the last time: what was answered just before a fault is wanted most.
    flushAtExit(this.#flush);
  }

  /**
   * A server behind a listener of that name, to be bound; called again, another one beside it. It is
   * looked after from then on.
   */
  serverFor(listener: DataListener): Server {
    const meter = this.#meters.get(listener) ?? new ListenerMeter();
    this.#meters.set(listener, meter);
    const server = this.#createServer(listener, meter);
    meter.watch(server);
    this.#shutdowns.push(new Shutdown(server));
    return server;
  }

  /** Selects by this from now on. */
  apply({ services }: Snapshot): void {
    for (const snapshot of services) this.#services.get(snapshot.name)?.apply(snapshot);
  }

  /** Learns what other data planes have seen. */
  learn(totals: Totals): void {
    this.#rates.learn(totals);
  }

  report(): DataReport {
    const services = [...this.#services.values()];
    return {
      connections: this.#limit.open,
      refusals: {
        rateLimited: this.#rates.refused,
        connectionsOfAddress: sum(services, ({ refusedConnections }) => refusedConnections),
        logLinesDropped: this.#accessLog.dropped,
      },
      services: services.map((service) => service.report()),
    };
  }

  /** The newest of its open tunnels, at most so many of each service. */
  openTunnels(most: number): OpenTunnel[] {
    return Array.from(this.#services.values()).flatMap((service) => service.openTunnels(most));
  }

  /** Ends the tunnel of that id; whether it was there. */
  endTunnel(id: string): boolean {
    return Array.from(this.#services.values()).some((service) => service.endTunnel(id));
  }

  /** What it has counted, for metrics. */
  counts(): Counts {
    const services = [...this.#services];
    const meters = [...this.#meters];
    const totals = services.map(([name, service]) => [name, service.totals()] as const);
    return {
      totals: {
        services: Object.fromEntries(totals.filter((entry) => isCounted(entry))),
        listeners: Object.fromEntries(meters.map(([name, meter]) => [name, meter.totals()])),
      },
      levels: {
        upstream: Object.fromEntries(
          services.map(([name, service]) => [name, service.upstreamConnections()]),
        ),
        downstream: Object.fromEntries(meters.map(([name, { open }]) => [name, open])),
      },
    };
  }

  /**
   * Takes no more connections, and of each that is open one more request at most; websockets go on.
   * Resolves when the last connection is gone; after `DRAIN_TIMEOUT` it is stopped.
   */
  async drain(): Promise<void> {
    const drained = Promise.all(this.#shutdowns.map((shutdown) => shutdown.drain()));
    for (const service of this.#services.values()) service.drain();
    const deadline = setTimeout(() => void this.close(), this.#config.DRAIN_TIMEOUT);
    await drained;
    clearTimeout(deadline);
    this.#release();
  }

  /**
   * Stops: no new connections, `SHUTDOWN_TIMEOUT` for open requests to finish, websockets end.
   * Resolves when no connection is left.
   */
  async close(): Promise<void> {
    const stopped = Promise.all(
      this.#shutdowns.map((shutdown) => shutdown.run(this.#config.SHUTDOWN_TIMEOUT)),
    );
    for (const service of this.#services.values()) service.retire();
    await stopped;
    this.#release();
  }

  /** Lets go what no connection needs any more. */
  #release(): void {
    this.#sessions?.close();
    for (const node of this.#nodes) node.close();
    this.#rates.close();
    forgetFlush(this.#flush);
    this.#flush();
    this.#accessLog.close();
  }

  #createServer(listener: DataListener, meter: ListenerMeter): Server {
    switch (listener) {
      case 'portal':
        return this.#services.get('portal')!.server('https', meter);
      case 'plain':
        return this.#services.get('portal')!.server('http', meter);
      case 'console':
        return this.#services.get('console')!.server('https', meter);
      case 'redirect':
        return createRedirector(this.#options.portalPort, this.#config.HEADER_TIMEOUT);
    }
  }
}

function sum<T>(entries: readonly T[], of: (entry: T) => number): number {
  return entries.reduce((total, entry) => total + of(entry), 0);
}

function isCounted<T>(entry: readonly [string, T | undefined]): entry is readonly [string, T] {
  return entry[1] !== undefined;
}

/** Its share of MAX_CONNECTIONS; each process has a limit of open files of its own. */
function limitOf({ MAX_CONNECTIONS: most }: Config, share: Share, logger: Logger): ConnectionLimit {
  const max = most === undefined ? clientsWithinOpenFiles() : Math.max(1, partOf(most, share));
  return new ConnectionLimit(max, () => {
    const remedy = 'raise MAX_CONNECTIONS, or the limit of open files (LimitNOFILE, ulimit -n)';
    logger.warn({ max, remedy }, 'clients are turned away: too many are connected');
  });
}
