import type { Server } from 'node:http';
import { createAdmin } from '../admin/admin.ts';
import type { CacheView, WorkerState } from '../admin/state.ts';
import type { Config } from '../config.ts';
import type { Logger } from '../log.ts';
import { Cluster } from '../memcached/cluster.ts';
import { type Holder, type Limited, Limits } from './limits.ts';
import type { BackendFailure, DataReport, Snapshot, Uplink } from './messages.ts';
import { serviceConfigs } from './services.ts';
import { backendIn, sumOf, Tally } from './tally.ts';
import { WatchedService } from './watched-service.ts';

/** A data plane as the control plane deals with it; its report is what it last told. */
export interface Member extends Holder {
  /** Hands it what to select by from now on. */
  apply(snapshot: Snapshot): void;
  /** Asks it to tell; resolves when it has, or has taken too long. */
  refresh(): Promise<void>;
}

export interface ControlPlaneOptions {
  readonly logger: Logger;
  /** What the admin pages tell of the processes. */
  readonly workers: () => readonly WorkerState[];
  /** What there is to see of the session cache; undefined where it is off. */
  readonly cache: () => CacheView | undefined;
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
  readonly #options: ControlPlaneOptions;
  #config: Config;
  #cluster: Cluster;
  #services: readonly WatchedService[];
  readonly #members = new Set<Member>();
  readonly #tally = new Tally();
  readonly #limits = new Limits();
  #sharing: NodeJS.Timeout | undefined;
  #stopping = false;

  constructor(config: Config, options: ControlPlaneOptions) {
    this.#options = options;
    this.#config = config;
    this.#cluster = this.#connect(config);
    this.#services = this.#watch(config, []);
  }

  /** Begins to check; resolves when every backend has been checked once. */
  async start(): Promise<void> {
    await Promise.all(this.#services.map((service) => service.start()));
  }

  /** The admin server, to be bound. */
  admin(): Server {
    const { workers, cache } = this.#options;
    return createAdmin({
      services: () => this.#services,
      cluster: () => this.#cluster,
      cache,
      workers,
      refresh: () => this.#refresh(),
      isStopping: () => this.#stopping,
    });
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
    this.#config = config;
    this.publish();
    await Promise.all(this.#services.map((service) => service.start()));
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
    this.#sharing ??= setTimeout(() => this.publish(), SHARE_MS).unref();
  }

  backendFailed(service: string, backend: string, failure: BackendFailure): void {
    this.#services.find((candidate) => candidate.service === service)?.failed(backend, failure);
  }

  /** Tells every data plane what to select by. */
  publish(): void {
    clearTimeout(this.#sharing);
    this.#sharing = undefined;
    this.#count();
    for (const member of this.#members) member.apply(this.#snapshotFor(member));
    this.onPublished?.();
  }

  /** What all data planes do, as if they were one. */
  report(): DataReport {
    return sumOf(Array.from(this.#members, ({ report }) => report));
  }

  /** Checks no more and is not ready any more: the gateway takes no new work. */
  stop(): void {
    this.#stopping = true;
    for (const service of this.#services) service.stop();
  }

  close(): void {
    this.stop();
    clearTimeout(this.#sharing);
    this.#cluster.close();
  }

  #watch(config: Config, before: readonly WatchedService[]): WatchedService[] {
    const { logger } = this.#options;
    return serviceConfigs(config).map((service) => {
      const known = before.find((other) => other.service === service.service);
      return new WatchedService(service, config, {
        known: known?.backends ?? [],
        onChange: () => this.publish(),
        logger,
      });
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

  #count(): void {
    this.#tally.count(
      this.#services,
      Array.from(this.#members, ({ report }) => report),
    );
  }

  #snapshotFor(member: Member): Snapshot {
    return {
      services: this.#services.map(({ service, backends }) => ({
        name: service,
        backends: backends.map((backend, index) => {
          const { name, health, adminState, ejected, share: weight, active, address } = backend;
          const elsewhere = active - (backendIn(member.report, service, name)?.active ?? 0);
          const limit = this.#limitFor(member, {
            service,
            backend: name,
            maxconn: address.maxconn,
            turn: index,
          });
          return { name, health, adminState, ejected, weight, elsewhere, limit };
        }),
      })),
    };
  }

  #limitFor(member: Member, limited: Limited): number | null {
    return limited.maxconn === 0 ? null : this.#limits.grant(member, this.#members, limited);
  }
}

function sameNodes(one: Config, other: Config): boolean {
  return (
    one.MEMCACHED_SERVERS.join() === other.MEMCACHED_SERVERS.join() &&
    one.MEMCACHED_PLACEMENT === other.MEMCACHED_PLACEMENT
  );
}
