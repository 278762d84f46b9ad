import type { CacheNode } from '../../src/cache/cache-node.ts';
import { type CacheTiming, DEFAULT_CACHE_TIMING } from '../../src/cache/cache-timing.ts';
import type { Layout, LayoutSpec } from '../../src/cache/layout.ts';
import { Mover } from '../../src/cache/mover.ts';
import { Placer } from '../../src/cache/owners.ts';
import { Refiller } from '../../src/cache/refiller.ts';
import {
  everyNodeOf,
  type Replicas,
  type ViewOfNodes,
  type WhenUnsure,
} from '../../src/cache/replicas.ts';
import { ReplicatedStore } from '../../src/cache/replicated-store.ts';
import { SharedView } from '../../src/cache/shared-view.ts';
import { type Write, Writer } from '../../src/cache/writer.ts';
import { OWN_KEYS } from '../../src/memcached/own-keys.ts';
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
  | 'refilling nodes are not swept'
  | 'old nodes are left before all gateways know'
  | 'nodes are filled before all gateways write to them'
  | 'only the new nodes are written to';

/** Shorter than in earnest where the simulated network allows it. */
export const SIMULATED_TIMING: CacheTiming = {
  ...DEFAULT_CACHE_TIMING,
  quietMs: 650,
};

export interface Gateway {
  readonly index: number;
  readonly store: ReplicatedStore;
  readonly view: SharedView;
  readonly links: readonly Link[];
  /** Has it told that the nodes are to be these, by their numbers, which need not be in order. */
  moveTo(nodes: readonly number[]): void;
  close(): void;
}

export interface SimulatedCluster {
  readonly nodes: readonly SimulatedNode[];
  readonly gateways: readonly Gateway[];
  readonly operations: Operation[];
  /** Whether every gateway believes every node, and none is exchanged for another. */
  isWhole(): boolean;
}

export const KEYS = ['a', 'b', 'c', 'd'];
/** Where in the list of nodes the owners of a key begin, and in which direction they follow. */
const OWNERS: Record<string, readonly [start: number, step: 1 | -1]> = {
  a: [0, 1],
  b: [1, 1],
  c: [2, 1],
  d: [1, -1],
};

function orderOf({ nodes }: Layout) {
  return (key: string): readonly string[] => {
    const [start, step] = OWNERS[key] ?? [0, 1];
    return nodes.map((_, n) => nodes[(start + step * n + nodes.length) % nodes.length]!);
  };
}

export interface ClusterSettings {
  readonly gateways: number;
  readonly copies: number;
  readonly whenUnsure: WhenUnsure;
  readonly timing?: Partial<CacheTiming>;
  readonly mutation?: Mutation | undefined;
  /** Told what happens, for a failure's sake. */
  readonly note: (text: string) => void;
}

/** Three simulated nodes, two in reserve, and the gateways in front of them. */
export function simulateCluster(world: World, settings: ClusterSettings): SimulatedCluster {
  const addresses = ['n1:1', 'n2:1', 'n3:1', 'n4:1', 'n5:1'];
  const nodes = addresses.map((address) => new SimulatedNode(address, world));
  const gateways = Array.from({ length: settings.gateways }, (_, index) =>
    simulateGateway(world, nodes, index, settings),
  );
  const isWhole = () =>
    gateways.every(
      ({ view }) =>
        view.holds() &&
        view.arrangement.written.length === 1 &&
        view.known.places.every(({ entry }) => entry.state === 'full') &&
        view.isAllSettled(),
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
  const spec = specOf(nodes, [0, 1, 2], copies);
  const view = new SharedView({
    spec,
    connect: (address) => cacheNodes[nodes.findIndex((node) => node.address === address)]!,
    clock,
    timing,
    onEntry: (node, { epoch, state }, reason) =>
      settings.note(`gateway ${index}: ${node} ${state}(${epoch}) ${reason ?? ''}`),
  });
  const placer = new Placer({
    arrangement: () => view.arrangement,
    place: (address, layouts) => view.place(address, layouts),
    orderOf,
  });
  const replicas: Replicas = {
    view: mutateView(view, mutation),
    clock,
    timing,
    whenUnsure,
    ownersOf: mutateOwners(view, (key) => placer.ownersOf(key), mutation),
    everyNode: () => everyNodeOf(view),
  };
  const writer =
    mutation === 'writes to refilling nodes first'
      ? new HastyWriter(replicas)
      : new Writer(replicas);
  const store = new ReplicatedStore(replicas, writer);
  const refiller = new Refiller({
    replicas: { ...replicas, view },
    view: mutateRefills(view, mutation),
    id: String(index),
    keyPrefix: '',
    keysPerSecond: 10_000,
    itemLifetimeMs: 1e9,
  });
  const mover = new Mover({ view: mutateMoves(view, mutation), spec, clock });
  view.start();
  refiller.start();
  mover.start();
  const close = () => {
    view.close();
    refiller.close();
    mover.close();
  };
  const moveTo = (list: readonly number[]) => mover.moveTo(specOf(nodes, list, copies));
  return { index, store, view, links, moveTo, close };
}

function specOf(
  nodes: readonly SimulatedNode[],
  list: readonly number[],
  copies: number,
): LayoutSpec {
  return { nodes: list.map((node) => nodes[node]!.address), placement: 'pymemcache', copies };
}

function mutateNode(node: CacheNode, mutation: Mutation | undefined): CacheNode {
  switch (mutation) {
    case 'copies without tokens':
      return {
        ...node,
        async cas(key, value, _version, flags, exptime) {
          if (key.startsWith(OWN_KEYS.cache)) return 'STORED';
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
    get arrangement() {
      return view.arrangement;
    },
    holds: () => view.holds(),
    refresh: () => view.refresh(),
    isSettled: (place) => view.isSettled(place),
    settled: (place) => view.settled(place),
    lose: (place, seen, reason) => view.lose(place, seen, reason),
  };
  switch (mutation) {
    case 'no look at the view after the answer':
      return Object.assign(part, { holds: () => true });
    case 'changes made by others are not waited for':
      return Object.assign(part, { isSettled: () => true, settled: async () => true });
    default:
      return part;
  }
}

/** Leaves the nodes that are moved away from as soon as the new ones are read. */
function mutateMoves(view: SharedView, mutation: Mutation | undefined): SharedView {
  if (mutation !== 'old nodes are left before all gateways know') return view;
  return changed(view, {
    change: (make) =>
      view.change((before, now) => {
        const after = make(before, now);
        return { ...after, write: after.read };
      }),
  });
}

function mutateRefills(view: SharedView, mutation: Mutation | undefined): SharedView {
  if (mutation !== 'nodes are filled before all gateways write to them') return view;
  return changed(view, { settled: async () => true });
}

/** An object, but for some of its members. */
function changed<T extends object>(original: T, members: Partial<T>): T {
  return new Proxy(original, {
    get(target, name) {
      if (name in members) return members[name as keyof T];
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function mutateOwners(
  view: SharedView,
  ownersOf: Replicas['ownersOf'],
  mutation: Mutation | undefined,
): Replicas['ownersOf'] {
  if (mutation !== 'only the new nodes are written to') return ownersOf;
  return (key) => {
    const { all, read } = ownersOf(key);
    const target = view.arrangement.written.at(-1)!;
    return { all: all.filter(({ layouts }) => layouts.includes(target)), read };
  };
}

/** Breaks the order of writes: full owners first, then those that are being refilled. */
class HastyWriter extends Writer {
  override async apply<T>(write: Write<T>): Promise<Map<CacheNode, T>> {
    const applied = new Map(write.applied);
    await Promise.all(
      write.owners().map(async (place) => {
        const { entry } = place;
        if (entry.state !== 'refilling') return;
        const done = await write.run(place, entry).then(
          () => true,
          () => false,
        );
        if (done) applied.set(place, entry);
      }),
    );
    return super.apply({ ...write, applied });
  }
}
