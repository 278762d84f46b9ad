import type { SecureContextOptions } from 'node:tls';
import { type AdminOptions, createAdmin } from '../admin/admin.ts';
import type { AdminHttpServer } from '../admin/admin-http.ts';
import { HISTORY_INTERVAL_MS, History } from '../admin/history.ts';
import {
  type CacheView,
  type GatewayInfo,
  isReady,
  type ListenerInfo,
  type Refusals,
  type SharedView,
  type WorkerState,
} from '../admin/state.ts';
import { Watchers } from '../admin/watchers.ts';
import type { Config } from '../config.ts';
import type { Logger } from '../log.ts';
import { Cluster } from '../memcached/cluster.ts';
import type { Hits } from '../policy/rate-limits.ts';
import { BackendHistories } from '../upstream/backend-counters.ts';
import { adminSecret } from './identity.ts';
import { Ledger } from './ledger.ts';
import { type Member, Members } from './members.ts';
import type { BackendFailure, DataReport, OpenTunnel, Uplink } from './messages.ts';
import { Operator } from './operator.ts';
import { Paced } from './paced.ts';
import { RateExchange } from './rate-exchange.ts';
import { serviceConfigs } from './services.ts';
import { Sessions } from './sessions.ts';
import { obeyDecision, type SharedControl, type StandingDecisions } from './shared-control.ts';
import { Sharing } from './sharing.ts';
import { VERSION } from './version.ts';
import { VitalsReader } from './vitals-reader.ts';
import { WatchedService } from './watched-service.ts';

export interface ControlPlaneOptions {
  readonly logger: Logger;
  /** What the admin pages tell of the processes. */
  readonly workers: () => readonly WorkerState[];
  /** What there is to see of the session cache; undefined where it is off. */
  readonly cache: () => CacheView | undefined;
  /** Where the session cache is bound; undefined where it is off. */
  readonly cachePort: () => number | undefined;
  /** Reads the configuration anew and goes by it; rejects where that cannot be. */
  readonly reload: () => Promise<void>;
  /** What was decided on the gateway whose place this one takes. */
  readonly decisions?: StandingDecisions | undefined;
  /** What it listens on now. */
  readonly listeners: () => readonly ListenerInfo[];
}

/** How long a data plane's news wait, at most, before the others are told, in ms. */
const SHARE_MS = 250;
/** How long they wait at least after the last time, in ms, where requests wait for them. */
const SHARE_PAUSE_MS = 25;

/**
 * What a gateway knows and decides, once for all its data planes: the health of backends, the state
 * of memcached, and the admin pages. No byte of a client comes here.
 */
export class ControlPlane implements Uplink {
  /** Called whenever data planes have been told of each other. */
  onPublished: (() => void) | undefined;
  /** What all data planes and the cache have counted, for metrics. */
  readonly ledger = new Ledger();
  readonly #histories = new BackendHistories();
  readonly #vitals: VitalsReader | undefined;
  readonly #options: ControlPlaneOptions;
  #config: Config;
  #adminSecret: string;
  #cluster: Cluster;
  readonly #sessions: Sessions;
  #services: readonly WatchedService[];
  #rates: RateExchange;
  readonly #members: Members;
  readonly #sharing: Sharing;
  readonly #history = new History();
  readonly #sampling: NodeJS.Timeout;
  readonly #watchers = new Watchers();
  readonly #publishing = new Paced(() => this.#publish(), SHARE_PAUSE_MS);
  #stopping = false;

  constructor(config: Config, options: ControlPlaneOptions) {
    this.#options = options;
    this.#config = config;
    this.#adminSecret = adminSecret(config);
    if (config.METRICS) this.#vitals = new VitalsReader();
    this.#members = new Members({
      services: () => this.#services,
      gateways: () => this.#sharing.gateways,
    });
    this.#sharing = new Sharing(config, {
      pools: () => {
        this.#members.count();
        return this.#services;
      },
      onApplied: () => this.publish(),
      decisions: options.decisions,
      logger: options.logger,
    });
    this.#cluster = this.#connect(config);
    this.#sessions = new Sessions(() => this.#config, options.cachePort);
    this.#rates = this.#exchange(config);
    this.#services = this.#watch(config, []);
    this.#inherit(options.decisions);
    this.#sampling = setInterval(() => this.#sample(), HISTORY_INTERVAL_MS).unref();
  }

  /** Begins to check; resolves when every backend has been checked once. */
  async start(): Promise<void> {
    await Promise.all(this.#services.map((service) => service.start()));
  }

  /** The admin server, to be bound; with TLS where it is told by what. */
  admin(tls?: SecureContextOptions): AdminHttpServer {
    const { workers, cache } = this.#options;
    const options: AdminOptions = {
      services: () => this.#services,
      cluster: () => this.#cluster,
      cache,
      workers,
      shared: () => this.shared(),
      refusals: () => this.refusals(),
      refresh: () => this.#refresh(),
      metrics: this.#vitals && {
        counts: () => this.ledger.counts(),
        vitals: () => [this.#vitals!.read(), ...this.ledger.vitals()],
      },
      gateway: () => this.#describe(),
      history: this.#history,
      watchers: this.#watchers,
      isStopping: () => this.#stopping,
      access: {
        sessions: () => this.#cluster,
        secret: () => this.#adminSecret,
        credentials: () => ({
          password: this.#config.ADMIN_PASSWORD,
          token: this.#config.ADMIN_TOKEN,
        }),
        logger: this.#options.logger,
      },
      operations: new Operator(this, this.#sessions, this.#options.reload),
      logger: this.#options.logger,
    };
    return createAdmin(options, tls);
  }

  /** The pools, and what is observed of their backends. */
  get services(): readonly WatchedService[] {
    return this.#services;
  }

  /**
   * Goes by another configuration from now on. What is known of a backend stays known where its
   * address is the same; resolves when every backend has been checked once.
   */
  async reload(config: Config): Promise<void> {
    const before = this.#services;
    this.#services = this.#watch(config, before);
    for (const service of before) service.stop();
    if (!sameNodes(this.#config, config)) {
      this.#cluster.close();
      this.#cluster = this.#connect(config);
    }
    this.#rates.close();
    this.#rates = this.#exchange(config);
    this.#config = config;
    this.#adminSecret = adminSecret(config);
    this.#sharing.reload(config);
    this.publish();
    await Promise.all(this.#services.map((service) => service.start()));
  }

  /** See {@link Members.openTunnels}. */
  openTunnels(most: number): Promise<readonly OpenTunnel[]> {
    return this.#members.openTunnels(most);
  }

  /** See {@link Members.endTunnel}. */
  endTunnel(id: string): Promise<boolean> {
    return this.#members.endTunnel(id);
  }

  /** See {@link Sharing.start}. */
  share(portalPort: number): void {
    this.#sharing.start(portalPort);
  }

  /** See {@link Sharing.leave}. */
  unshare(): void {
    this.#sharing.leave();
  }

  /** See {@link Sharing.farewell}. */
  farewell(): Promise<void> {
    return this.#sharing.farewell();
  }

  /** See {@link Sharing.decisions}. */
  get decisions(): StandingDecisions | undefined {
    return this.#sharing.decisions;
  }

  /** See {@link SharedControl.decide}. */
  decide(...decision: Parameters<SharedControl['decide']>): void {
    this.#sharing.control.decide(...decision);
  }

  /** See {@link SharedControl.follow}. */
  follow(service: string, backend: string): void {
    this.#sharing.control.follow(service, backend);
  }

  /** See {@link Sharing.view}. */
  shared(): SharedView | undefined {
    return this.#sharing.view();
  }

  /** A data plane begins to serve, or to drain. */
  join(member: Member): void {
    this.#members.add(member);
    this.publish();
  }

  /** A data plane is gone, with what it held; what it has done still counts. */
  leave(member: Member): void {
    if (this.#members.remove(member)) this.publish();
  }

  /** A data plane has told what it does. */
  reported(): void {
    // What waits in one may be served by what others leave.
    this.#publishing.within(this.#members.hasMoreToDo ? 0 : SHARE_MS);
  }

  backendFailed(service: string, backend: string, failure: BackendFailure): void {
    this.#services.find((candidate) => candidate.service === service)?.failed(backend, failure);
  }

  hits(hits: readonly Hits[]): void {
    this.#rates.add(hits);
  }

  /** What all data planes have turned away or lost, those that are gone included. */
  refusals(): Refusals {
    return this.#members.refusals();
  }

  /** Tells every data plane what to select by. */
  publish(): void {
    this.#publishing.now();
  }

  /** Ends what people watch, which would not end by itself. */
  dismissWatchers(): void {
    this.#watchers.dismiss();
  }

  /** What all data planes do, as if they were one. */
  report(): DataReport {
    return this.#members.report();
  }

  /** Whether every service has a backend that is up and takes work, and new work is taken. */
  isReady(): boolean {
    return !this.#stopping && isReady(this.#services);
  }

  /** Checks no more and is not ready any more: the gateway takes no new work. */
  stop(): void {
    this.#stopping = true;
    for (const service of this.#services) service.stop();
  }

  close(): void {
    this.stop();
    this.#publishing.stop();
    clearInterval(this.#sampling);
    this.#watchers.dismiss();
    this.#sharing.close();
    this.#rates.close();
    this.#cluster.close();
    this.#sessions.close();
    this.#vitals?.stop();
  }

  /** No backend is to get work that was taken from it, not even until gateways have talked. */
  #inherit(decisions: StandingDecisions | undefined): void {
    if (!decisions) return;
    for (const { service, backends } of this.#services) {
      for (const backend of backends) obeyDecision(decisions, service, backend);
    }
  }

  #publish(): void {
    this.#members.count();
    this.#members.apply();
    this.onPublished?.();
  }

  #watch(config: Config, before: readonly WatchedService[]): WatchedService[] {
    const { logger } = this.#options;
    return serviceConfigs(config).map((service) => {
      const known = before.find((other) => other.service === service.service);
      return new WatchedService(service, config, {
        known: known?.backends ?? [],
        historyOf: (backend) => this.#histories.of(`${service.service} ${backend}`),
        onChange: () => this.publish(),
        logger,
      });
    });
  }

  #exchange({ RATE_LIMITS: limits }: Config): RateExchange {
    return new RateExchange({
      limits,
      memcached: this.#cluster,
      onTotals: (totals) => this.#members.learn(totals),
    });
  }

  #connect({ MEMCACHED_SERVERS: nodes, MEMCACHED_PLACEMENT: placement }: Config): Cluster {
    const { logger } = this.#options;
    const cluster = new Cluster({
      nodes,
      placement,
      onNodeState: (node, state, error) => {
        if (state === 'up') logger.info({ node }, 'memcached node is up');
        else logger.warn({ node, detail: error?.message }, 'memcached node is unavailable');
      },
    });
    // The log tells of nodes that are away from the start; nothing waits for them.
    void cluster.ping();
    return cluster;
  }

  async #refresh(): Promise<void> {
    await this.#members.refresh();
    this.#members.count();
  }

  #sample(): void {
    this.#members.count();
    const counts = this.#services.map(({ service, requests }) => [service, requests] as const);
    this.#history.sample(Date.now(), new Map(counts));
  }

  #describe(): GatewayInfo {
    const { SESSION_COPIES: copies, DRAIN_TIMEOUT: drainMs } = this.#config;
    const listeners = this.#options.listeners();
    const name = this.shared()?.name;
    return { name, version: VERSION, pid: process.pid, listeners, copies, drainMs };
  }
}

function sameNodes(one: Config, other: Config): boolean {
  return (
    one.MEMCACHED_SERVERS.join() === other.MEMCACHED_SERVERS.join() &&
    one.MEMCACHED_PLACEMENT === other.MEMCACHED_PLACEMENT
  );
}
