import type { CacheHealth } from '../cache/cache-health.ts';
import type { Cluster } from '../memcached/cluster.ts';
import type { ServiceBeat } from '../memcached/heartbeat.ts';
import type { TunnelView } from '../relay/tunnels.ts';
import type { Backend } from '../upstream/backend.ts';
import type { Pool } from '../upstream/pool.ts';
import type { Counts, Vitals } from './counts.ts';
import type { History, Traffic } from './history.ts';

/** What there is to see of a service. */
export interface ServiceView {
  readonly pool: Pick<Pool, 'service' | 'backends' | 'queued'>;
  /** Open tunnels. */
  readonly tunnels: number;
}

/** One open tunnel of a gateway, which has several relays. */
export interface OpenTunnel extends Omit<TunnelView, 'number'> {
  readonly id: string;
  readonly service: string;
}

/** What there is to see of the session cache. */
export interface CacheView {
  /** Undefined while it has not told. */
  health(): CacheHealth | undefined;
}

/** One process of the gateway, or the whole of it in one. */
export interface WorkerState {
  /** `relay`: serves clients; `cache`: is the session cache. */
  readonly kind: 'relay' | 'cache';
  /** Which of its kind it is; one that drains had the number of the one that took its place. */
  readonly slot: number;
  readonly pid: number;
  readonly state: 'starting' | 'serving' | 'draining' | 'waiting';
  readonly ageSeconds: number;
  /** Clients that are connected, and open tunnels. */
  readonly connections: number;
  readonly tunnels: number;
  /** How often a process in its place has died. */
  readonly restarts: number;
  /** How often in a row one died soon after its start; 0 when this one has lived for ten seconds. */
  readonly deaths: number;
}

/** What was turned away or lost, since the start. */
export interface Refusals {
  /** Requests over RATE_LIMITS. */
  readonly rateLimited: number;
  /** Connections over CONNECTIONS_PER_ADDRESS. */
  readonly connectionsOfAddress: number;
  /** Lines of the access log that could not be delivered. */
  readonly logLinesDropped: number;
}

/** Where the state of a gateway is read. */
export interface StateSources {
  readonly services: () => readonly ServiceView[];
  readonly cluster: () => Pick<Cluster, 'ping'>;
  readonly cache?: () => CacheView | undefined;
  readonly workers?: () => readonly WorkerState[];
  /** What is known of other gateways. */
  readonly shared?: () => SharedView | undefined;
  readonly refusals?: () => Refusals;
  /** Has what the processes do told anew. */
  readonly refresh?: () => Promise<void>;
  readonly metrics?: MetricsView | undefined;
  /** What there is to say of this gateway itself. */
  readonly gateway?: () => GatewayInfo;
  /** What services have answered of late. */
  readonly history?: History;
  /** The open tunnels, in all processes. */
  readonly openTunnels?: () => Promise<readonly OpenTunnel[]>;
}

/** What a gateway is, and goes by. */
export interface GatewayInfo {
  /** Its name among the gateways; undefined until it takes part. */
  readonly name: string | undefined;
  readonly version: string;
  readonly pid: number;
  readonly listeners: readonly ListenerInfo[];
  /** On how many nodes the session cache keeps each item. */
  readonly copies: number;
  /** How long tunnels of a backend that is drained may go on, in ms. */
  readonly drainMs: number;
}

export interface ListenerInfo {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** Its address is not on this host: it is bound as soon as that comes. */
  readonly waiting: boolean;
}

/** Where metrics are read, beside the state. */
export interface MetricsView {
  /** Of all processes together. */
  counts(): Counts;
  /** Of this process, and of those that tell. */
  vitals(): readonly Vitals[];
}

/** What a gateway knows of the others, and what operators have decided. */
export interface SharedView {
  /** Its own name. */
  readonly name: string;
  /** The others that live. */
  readonly peers: readonly PeerView[];
  readonly decisions: readonly DecisionView[];
}

export interface PeerView {
  readonly name: string;
  /** How long ago it was last heard of, in ms, by this gateway's clock. */
  readonly ageMs: number;
  /** Its tunnels on each backend, and what its health checks see. */
  readonly services: readonly ServiceBeat[];
}

export interface DecisionView {
  /** `service/backend`. */
  readonly subject: string;
  readonly state: Backend['adminState'];
  /** Null: as configured. */
  readonly weight: number | null;
  readonly scope: 'cluster' | 'gateway';
  /** Of the cluster's: which one it is, and on which gateway it was made. */
  readonly version?: number;
  readonly by?: string;
}

/** What the admin listener tells of the gateway. */
export interface GatewayState {
  readonly ready: boolean;
  readonly uptimeSeconds: number;
  readonly gateway: GatewayInfo | undefined;
  readonly workers: readonly WorkerState[];
  readonly services: readonly ServiceState[];
  readonly refusals: Refusals | undefined;
  readonly memcached: readonly NodeReport[];
  /** What the session cache knows of the nodes; undefined where it is off. */
  readonly cache: CacheHealth | undefined;
  /** Undefined where it is alone by design. */
  readonly shared: SharedView | undefined;
}

export interface ServiceState {
  readonly name: string;
  readonly queued: number;
  readonly tunnels: number;
  /** Of the last few seconds; undefined until there is a figure. */
  readonly traffic: Traffic | undefined;
  readonly backends: readonly BackendState[];
}

export interface BackendState {
  readonly name: string;
  /** Where it is, with the scheme. */
  readonly url: string;
  readonly health: Backend['health'];
  /** When checks began to find what they find now. */
  readonly healthSince: Backend['healthSince'];
  readonly adminState: Backend['adminState'];
  /** Left out for a while, because traffic to it failed. */
  readonly ejected: boolean;
  readonly ejectedUntil: Backend['ejectedUntil'];
  readonly usable: boolean;
  readonly backup: boolean;
  readonly weight: number;
  /** How much of its weight it has after it came back: above 0, 1 for all of it. */
  readonly ramp: number;
  readonly maxconn: number;
  /** Tunnels that the other gateways hold there. */
  readonly elsewhere: number;
  readonly active: number;
  /** Those of the active ones that are tunnels. */
  readonly tunnels: number;
  readonly claimed: number;
  readonly failed: number;
  readonly failedInARow: number;
  readonly lastCheck: Backend['lastCheck'];
  readonly history: Backend['history'];
}

export interface NodeReport {
  readonly node: string;
  readonly state: 'up' | 'down';
  /** Its version, or why it cannot be asked. */
  readonly detail: string;
}

/** Every service can do its work: each has a backend that is up and takes work. */
export function isReady(services: readonly ServiceView[]): boolean {
  return services.every(({ pool }) =>
    pool.backends.some(({ health, usable }) => health === 'up' && usable),
  );
}

/** The state of the whole gateway; asks every memcached node, within the client's deadline. */
export async function readState(sources: StateSources): Promise<GatewayState> {
  const [answers] = await Promise.all([sources.cluster().ping(), sources.refresh?.()]);
  const services = sources.services();
  return {
    ready: isReady(services),
    uptimeSeconds: Math.floor(process.uptime()),
    gateway: sources.gateway?.(),
    workers: sources.workers?.() ?? [],
    services: services.map(({ pool, tunnels }) => ({
      name: pool.service,
      queued: pool.queued,
      tunnels,
      traffic: sources.history?.latest?.services[pool.service],
      backends: pool.backends.map(stateOf),
    })),
    refusals: sources.refusals?.(),
    memcached: [...answers].map(([node, answer]) =>
      'version' in answer
        ? { node, state: 'up', detail: answer.version }
        : { node, state: 'down', detail: answer.error.message },
    ),
    cache: sources.cache?.()?.health(),
    shared: sources.shared?.(),
  };
}

function stateOf(backend: Backend): BackendState {
  const { backup, maxconn, url } = backend.address;
  return {
    name: backend.name,
    url: `${url.protocol}//${url.host}`,
    health: backend.health,
    healthSince: backend.healthSince,
    adminState: backend.adminState,
    ejected: backend.ejected,
    ejectedUntil: backend.ejected ? backend.ejectedUntil : undefined,
    usable: backend.usable,
    backup,
    weight: backend.weight,
    ramp: backend.ramp,
    maxconn,
    elsewhere: backend.elsewhere,
    active: backend.active,
    tunnels: backend.tunnels,
    claimed: backend.claimed,
    failed: backend.failed,
    failedInARow: backend.failedInARow,
    lastCheck: backend.lastCheck,
    history: backend.history,
  };
}
