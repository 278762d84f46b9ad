import type { CacheNode } from '../../src/cache/cache-node.ts';
import { type CacheTiming, DEFAULT_CACHE_TIMING } from '../../src/cache/cache-timing.ts';
import { Refiller } from '../../src/cache/refiller.ts';
import type { Replicas, ViewOfNodes, WhenUnsure } from '../../src/cache/replicas.ts';
import { ReplicatedStore } from '../../src/cache/replicated-store.ts';
import { RESERVED_PREFIX } from '../../src/cache/reserved-keys.ts';
import { SharedView } from '../../src/cache/shared-view.ts';
import { type Write, Writer } from '../../src/cache/writer.ts';
import type { Operation } from './cache-history.ts';
import { Link, SimulatedNode, simulatedCacheNode } from './cache-simulated-node.ts';
import type { World } from './cache-world.ts';

/** A rule of the cache that is broken, to see that the property test would notice. */
export type Mutation =
  | 'no wait for leases'
  | 'no look at the view after the answer'
  | 'changes made by others are not waited for'
  | 'writes to refilling nodes first'
  | 'copies without tokens'
  | 'no quiet time before refilling'
  | 'deletes are acknowledged by one owner'
  | 'refilling nodes are not swept';

/** Shorter than in earnest where the simulated network allows it. */
export const SIMULATED_TIMING: CacheTiming = { ...DEFAULT_CACHE_TIMING, quietMs: 650 };

export interface Gateway {
  readonly index: number;
  readonly store: ReplicatedStore;
  readonly view: SharedView;
  readonly links: readonly Link[];
  close(): void;
}

export interface SimulatedCluster {
  readonly nodes: readonly SimulatedNode[];
  readonly gateways: readonly Gateway[];
  readonly operations: Operation[];
  /** Whether every gateway believes every node. */
  isWhole(): boolean;
}

export const KEYS = ['a', 'b', 'c', 'd'];
/** Owners by key, of three nodes. */
const OWNERS: Record<string, readonly number[]> = {
  a: [0, 1, 2],
  b: [1, 2, 0],
  c: [2, 0, 1],
  d: [1, 0, 2],
};

export interface ClusterSettings {
  readonly gateways: number;
  readonly copies: number;
  readonly whenUnsure: WhenUnsure;
  readonly timing?: Partial<CacheTiming>;
  readonly mutation?: Mutation | undefined;
  /** Told what happens, for a failure's sake. */
  readonly note: (text: string) => void;
}

/** Three simulated nodes and the gateways in front of them. */
export function simulateCluster(world: World, settings: ClusterSettings): SimulatedCluster {
  const nodes = ['n1:1', 'n2:1', 'n3:1'].map((address) => new SimulatedNode(address, world));
  const gateways = Array.from({ length: settings.gateways }, (_, index) =>
    simulateGateway(world, nodes, index, settings),
  );
  const isWhole = () =>
    gateways.every(({ view }) =>
      nodes.every((_, node) => view.entry(node).state === 'full' && view.isSettled(node)),
    );
  return { nodes, gateways, operations: [], isWhole };
}

function simulateGateway(
  world: World,
  nodes: readonly SimulatedNode[],
  index: number,
  settings: ClusterSettings,
): Gateway {
  const { mutation, copies, whenUnsure } = settings;
  const timing: CacheTiming = {
    ...SIMULATED_TIMING,
    ...settings.timing,
    ...(mutation === 'no wait for leases' ? { leaseWaitMs: 0 } : {}),
    ...(mutation === 'no quiet time before refilling' ? { quietMs: 0 } : {}),
  };
  const links = nodes.map((node) => new Link(world, index, node));
  const deadlines = { requestMs: timing.writeDeadlineMs, controlMs: timing.pollDeadlineMs };
  const cacheNodes = links.map((link) => mutateNode(simulatedCacheNode(link, deadlines), mutation));
  const clock = world.clockOf(index);
  const view = new SharedView({
    nodes: cacheNodes,
    clock,
    timing,
    copies,
    onEntry: (node, { epoch, state }, reason) =>
      settings.note(`gateway ${index}: ${nodes[node]!.address} ${state}(${epoch}) ${reason ?? ''}`),
  });
  const replicas: Replicas = {
    nodes: cacheNodes,
    view: mutateView(view, mutation),
    clock,
    timing,
    whenUnsure,
    ownersOf: (key) => (OWNERS[key] ?? [0, 1, 2]).slice(0, copies),
  };
  const writer =
    mutation === 'writes to refilling nodes first'
      ? new HastyWriter(replicas)
      : new Writer(replicas);
  const store = new ReplicatedStore(replicas, writer);
  const refiller = new Refiller({
    replicas: { ...replicas, view },
    id: String(index),
    keyPrefix: '',
    keysPerSecond: 10_000,
    itemLifetimeMs: 1e9,
  });
  view.start();
  refiller.start();
  const close = () => {
    view.close();
    refiller.close();
  };
  return { index, store, view, links, close };
}

function mutateNode(node: CacheNode, mutation: Mutation | undefined): CacheNode {
  switch (mutation) {
    case 'copies without tokens':
      return {
        ...node,
        async cas(key, value, _version, flags, exptime) {
          if (key.startsWith(RESERVED_PREFIX)) return 'STORED';
          await node.store('set', key, value, flags, exptime);
          return 'STORED';
        },
      };
    case 'refilling nodes are not swept':
      return {
        ...node,
        async *keys() {
          yield [];
        },
      };
    case 'deletes are acknowledged by one owner':
      return { ...node, delete: (key) => node.delete(key).catch(() => false) };
    default:
      return node;
  }
}

function mutateView(view: SharedView, mutation: Mutation | undefined): ViewOfNodes {
  const part: ViewOfNodes = {
    entry: (node) => view.entry(node),
    holds: () => view.holds(),
    refresh: () => view.refresh(),
    isSettled: (node) => view.isSettled(node),
    settled: (node) => view.settled(node),
    advance: (node, from, state, reason) => view.advance(node, from, state, reason),
  };
  switch (mutation) {
    case 'no look at the view after the answer':
      return { ...part, holds: () => true };
    case 'changes made by others are not waited for':
      return { ...part, isSettled: () => true, settled: async () => true };
    default:
      return part;
  }
}

/** Breaks the order of writes: full owners first, then those that are being refilled. */
class HastyWriter extends Writer {
  readonly #view: ViewOfNodes;

  constructor(replicas: Replicas) {
    super(replicas);
    this.#view = replicas.view;
  }

  override async apply<T>(write: Write<T>): Promise<Map<number, T>> {
    const applied = new Map(write.applied);
    await Promise.all(
      write.owners.map(async (node) => {
        const entry = this.#view.entry(node);
        if (entry.state !== 'refilling') return;
        const done = await write.run(node, entry).then(
          () => true,
          () => false,
        );
        if (done) applied.set(node, entry);
      }),
    );
    return super.apply({ ...write, applied });
  }
}
