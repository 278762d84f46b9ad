import type { SecureContextOptions } from 'node:tls';
import { type AdminHttpServer, type AdminOptions, createAdmin } from '../admin/admin.ts';
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
import { connectStateNodes, type StateNode } from '../memcached/state-node.ts';
import type { Hits } from '../policy/rate-limits.ts';
import { BackendHistories } from '../upstream/backend-counters.ts';
import { loadOffsetOf } from '../upstream/shared-load.ts';
import { adminSecret, gatewayName, sharedSecret } from './identity.ts';
import { Ledger } from './ledger.ts';
import { type Holder, type Limited, Limits } from './limits.ts';
import type {
  BackendFailure,
  DataReport,
  OpenTunnel,
  Snapshot,
  Totals,
  Uplink,
} from './messages.ts';
import { Operator } from './operator.ts';
import { RateExchange } from './rate-exchange.ts';
import { serviceConfigs } from './services.ts';
import { Sessions } from './sessions.ts';
import { obeyDecision, SharedControl, type StandingDecisions } from './shared-control.ts';
import { backendIn, sumOf, Tally } from './tally.ts';
import { VERSION } from './version.ts';
import { VitalsReader } from './vitals-reader.ts';
import { WatchedService } from './watched-service.ts';

/** A data plane as the control plane deals with it; its report is what it last told. */
export interface Member extends Holder {
  /** Of its process. */
  readonly pid: number;
  /** Hands it what to select by from now on. */
  apply(snapshot: Snapshot): void;
  /** Tells it what all have seen of addresses. */
  learn(totals: Totals): void;
  /** Asks it to tell; resolves when it has, or has taken too long. */
  refresh(): Promise<void>;
  /** The newest of its open tunnels, at most so many of each service. */
  openTunnels(most: number): Promise<readonly OpenTunnel[]>;
  /** Ends one of them with a close frame; whether it was there. */
  endTunnel(id: string): Promise<boolean>;
}

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
  #cluster: Cluster;
  readonly #sessions: Sessions;
  #services: readonly WatchedService[];
  #rates: RateExchange;
  readonly #members = new Set<Member>();
  readonly #tally = new Tally();
  readonly #limits = new Limits();
  readonly #history = new History();
  readonly #sampling: NodeJS.Timeout;
  readonly #watchers = new Watchers();
  #publishing: NodeJS.Timeout | undefined;
  #shared: SharedControl | undefined;
  #nodes: readonly StateNode[] = [];
  #portalPort = 0;
  #stopping = false;

  constructor(config: Config, options: ControlPlaneOptions) {
    this.#options = options;
    this.#config = config;
    if (config.METRICS) this.#vitals = new VitalsReader();
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
        sessions: () => this.#sessions.cluster,
        secret: adminSecret(this.#config),
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

  /** The newest open tunnels, at most so many, the newest first. */
  async openTunnels(most: number): Promise<readonly OpenTunnel[]> {
    const members = Array.from(this.#members);
    const theirs = await Promise.all(
      members.map(async (member) => {
        const tunnels = await member.openTunnels(most);
        return tunnels.map((tunnel) => ({ ...tunnel, id: `${member.pid}-${tunnel.id}` }));
      }),
    );
    const newestFirst = theirs.flat().sort((one, other) => other.since - one.since);
    return newestFirst.slice(0, most);
  }

  /** Ends the tunnel of that id; whether it was there. */
  async endTunnel(id: string): Promise<boolean> {
    const [pid, ...rest] = id.split('-');
    // A process may have two data planes, one of which drains.
    for (const member of this.#members) {
      if (String(member.pid) === pid && (await member.endTunnel(rest.join('-')))) return true;
    }
    return false;
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
    const regroups = sharingOf(this.#config) !== sharingOf(config);
    this.#config = config;
    if (this.#shared && regroups) this.share(this.#portalPort);
    this.#shared?.apply();
    this.publish();
    await Promise.all(this.#services.map((service) => service.start()));
  }

  /**
   * Begins to share with other gateways what they have to know of each other.
   * @param portalPort Part of the name of this one, unless it is given another.
   */
  share(portalPort: number): void {
    const config = this.#config;
    const before = this.#shared;
    before?.stop();
    for (const node of this.#nodes) node.close();
    this.#nodes = connectStateNodes(config.MEMCACHED_SERVERS);
    this.#portalPort = portalPort;
    const options = {
      nodes: this.#nodes,
      name: gatewayName(config, portalPort),
      secret: sharedSecret(config),
      intervalMs: config.HEARTBEAT_INTERVAL,
      pools: () => {
        this.#count();
        return this.#services;
      },
      onApplied: () => this.publish(),
      logger: this.#options.logger,
    };
    this.#shared = new SharedControl(options, before?.decisions ?? this.#options.decisions);
    void this.#shared.start();
  }

  /** Leaves it to a process that goes by the same name now. */
  unshare(): void {
    this.#shared?.stop();
    this.#shared = undefined;
  }

  /** Tells other gateways that this one is about to end. */
  async farewell(): Promise<void> {
    await this.#shared?.close();
  }

  /** What operators have decided, for the gateway that takes the place of this one. */
  get decisions(): StandingDecisions | undefined {
    return this.#shared?.decisions ?? this.#options.decisions;
  }

  /** See {@link SharedControl.decide}. */
  decide(...decision: Parameters<SharedControl['decide']>): void {
    this.#sharing().decide(...decision);
  }

  /** See {@link SharedControl.follow}. */
  follow(service: string, backend: string): void {
    this.#sharing().follow(service, backend);
  }

  /** What is known of other gateways; undefined until this one takes part. */
  shared(): SharedView | undefined {
    return this.#shared?.view();
  }

  #sharing(): SharedControl {
    if (this.#shared) return this.#shared;
    throw new Error('the gateway has not started yet; decide when it has');
  }

  /** A data plane begins to serve, or to drain. */
  join(member: Member): void {
    this.#members.add(member);
    this.publish();
  }

  /** A data plane is gone, with what it held; what it has done still counts. */
  leave(member: Member): void {
    if (!this.#members.delete(member)) return;
    this.#tally.keep(member.report);
    this.publish();
  }

  /** A data plane has told what it does. */
  reported(): void {
    this.#publishing ??= setTimeout(() => this.publish(), SHARE_MS).unref();
  }

  backendFailed(service: string, backend: string, failure: BackendFailure): void {
    this.#services.find((candidate) => candidate.service === service)?.failed(backend, failure);
  }

  hits(hits: readonly Hits[]): void {
    this.#rates.add(hits);
  }

  /** What all data planes have turned away or lost, those that are gone included. */
  refusals(): Refusals {
    return this.#tally.refusals(Array.from(this.#members, ({ report }) => report));
  }

  /** Tells every data plane what to select by. */
  publish(): void {
    clearTimeout(this.#publishing);
    this.#publishing = undefined;
    this.#count();
    for (const member of this.#members) member.apply(this.#snapshotFor(member));
    this.onPublished?.();
  }

  /** Ends what people watch, which would not end by itself. */
  dismissWatchers(): void {
    this.#watchers.dismiss();
  }

  /** What all data planes do, as if they were one. */
  report(): DataReport {
    return sumOf(Array.from(this.#members, ({ report }) => report));
  }

  /** Whether every service has a backend that is up, and new work is taken. */
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
    clearTimeout(this.#publishing);
    clearInterval(this.#sampling);
    this.#watchers.dismiss();
    this.#shared?.stop();
    this.#rates.close();
    for (const node of this.#nodes) node.close();
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
      onTotals: (totals) => {
        for (const member of this.#members) member.learn(totals);
      },
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
    await Promise.all(Array.from(this.#members, (member) => member.refresh()));
    this.#count();
  }

  #sample(): void {
    this.#count();
    const counts = this.#services.map(({ service, requests }) => [service, requests] as const);
    this.#history.sample(Date.now(), new Map(counts));
  }

  #describe(): GatewayInfo {
    const { SESSION_COPIES: copies, DRAIN_TIMEOUT: drainMs } = this.#config;
    const listeners = this.#options.listeners();
    const name = this.shared()?.name;
    return { name, version: VERSION, pid: process.pid, listeners, copies, drainMs };
  }

  #count(): void {
    this.#tally.count(
      this.#services,
      Array.from(this.#members, ({ report }) => report),
    );
  }

  #snapshotFor(member: Member): Snapshot {
    // Each that takes new work makes up for its part of a difference, in whichever gateway it is.
    const serving = Array.from(this.#members).filter(({ share }) => share !== undefined);
    const planes = Math.max(1, serving.length) * (this.#shared?.gateways ?? 1);
    return {
      services: this.#services.map(({ service, backends }) => ({
        name: service,
        backends: backends.map((backend, index) => {
          const { name, health, adminState, ejected, share: weight, tunnels } = backend;
          const own = backendIn(member.report, service, name)?.tunnels ?? 0;
          const elsewhere = tunnels - own + backend.elsewhere;
          const loadOffset = loadOffsetOf({ own, elsewhere, gateways: planes });
          const limit = this.#limitFor(member, {
            service,
            backend: name,
            // Of `maxconn`, what is this gateway's.
            maxconn: backend.limit,
            turn: index,
          });
          return { name, health, adminState, ejected, weight, loadOffset, limit };
        }),
      })),
    };
  }

  #limitFor(member: Member, limited: Limited): number | null {
    const isUnlimited = limited.maxconn === Number.POSITIVE_INFINITY;
    return isUnlimited ? null : this.#limits.grant(member, this.#members, limited);
  }
}

function sameNodes(one: Config, other: Config): boolean {
  return (
    one.MEMCACHED_SERVERS.join() === other.MEMCACHED_SERVERS.join() &&
    one.MEMCACHED_PLACEMENT === other.MEMCACHED_PLACEMENT
  );
}

/** What a gateway shares by: where it stays the same, others need not know of a reload. */
function sharingOf(config: Config): string {
  const { MEMCACHED_SERVERS, GATEWAY_NAME, HEARTBEAT_INTERVAL } = config;
  const secret = sharedSecret(config).toString('hex');
  return JSON.stringify([MEMCACHED_SERVERS, GATEWAY_NAME, HEARTBEAT_INTERVAL, secret]);
}
