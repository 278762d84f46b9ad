import { randomUUID } from 'node:crypto';
import { type Logger, silentLogger } from '../log.ts';
import { type NodeAddress, parseNodes } from '../memcached/node-address.ts';
import { createPlacement, type Placement } from '../memcached/placement.ts';
import { type CacheHealth, HealthMonitor } from './cache-health.ts';
import type { CacheStore } from './cache-store.ts';
import { type CacheTiming, DEFAULT_CACHE_TIMING } from './cache-timing.ts';
import { MAX_NODES } from './cas-token.ts';
import { sleep, systemClock } from './clock.ts';
import { MemcachedNode } from './memcached-node.ts';
import { Refiller } from './refiller.ts';
import type { Replicas, WhenUnsure } from './replicas.ts';
import { ReplicatedStore } from './replicated-store.ts';
import { SharedView } from './shared-view.ts';
import type { Entry } from './view-document.ts';

export interface SessionCacheOptions {
  /** The nodes, in the order of the dashboards' `LOCATION` before the cache. */
  readonly nodes: readonly string[];
  /** The dashboards' client library before the cache, so that switching over keeps every session. */
  readonly placement: Placement;
  /** On how many nodes each item is kept: 1 to 3; 2 unless told. */
  readonly copies?: number;
  /** What to do where the guarantee cannot be kept; `serve` unless told. */
  readonly whenUnsure?: WhenUnsure;
  /** How the keys begin that are refilled; others on the nodes are left alone. All unless told. */
  readonly keyPrefix?: string;
  /** How many keys of a node may be looked at in a second while it is refilled. */
  readonly refillKeysPerSecond?: number;
  /** The longest life of an item, in ms, for nodes that do not list their keys. */
  readonly itemLifetimeMs?: number;
  /** The longest value, in bytes; what the nodes take (-I). */
  readonly maxValueBytes?: number;
  readonly timing?: Partial<CacheTiming>;
  readonly logger?: Logger;
  /** Where a node is connected to, where that is not its address. */
  readonly reachedAt?: (address: NodeAddress) => NodeAddress;
}

/** The session cache behind its door. */
export interface SessionCache {
  readonly store: CacheStore;
  /** Resolves when the cache can be relied upon; with false where that takes too long. */
  start(): Promise<boolean>;
  /** Ends every connection; what waits rejects with UnavailableError. */
  close(): void;
  health(): CacheHealth;
}

const MAX_COPIES = 3;
const REFILL_KEYS_PER_SECOND = 5000;
/** Django's own longest: `SESSION_COOKIE_AGE` is two weeks. */
const ITEM_LIFETIME_MS = 14 * 24 * 60 * 60 * 1000;
const START_MS = 3000;
const START_STEP_MS = 10;

/**
 * Keeps every item on several memcached nodes, and all gateways agreed on which of them are
 * believed. Throws an Error that names the value and the remedy for nodes and numbers that cannot
 * be.
 */
export function createSessionCache(options: SessionCacheOptions): SessionCache {
  const addresses = parseNodes(options.nodes);
  const copies = Math.min(checkedCopies(options.copies ?? 2), addresses.length);
  if (addresses.length > MAX_NODES) {
    throw new Error(
      `${addresses.length} memcached nodes are named: at most ${MAX_NODES} can be used`,
    );
  }
  const logger = options.logger ?? silentLogger;
  const clock = systemClock;
  const timing = { ...DEFAULT_CACHE_TIMING, ...options.timing };
  const nodes = addresses.map(
    (address) =>
      new MemcachedNode(address, {
        timing,
        maxValueBytes: options.maxValueBytes,
        reachedAt: options.reachedAt?.(address),
      }),
  );
  const onEntry = (node: number, entry: Entry, reason: string | undefined) => {
    health.note(node, reason);
    logEntry(logger, nodes[node]!.address, entry, reason);
  };
  const view = new SharedView({ nodes, clock, timing, copies, onEntry });
  const place = createPlacement(options.placement, addresses);
  const replicas: Replicas & { view: SharedView } = {
    nodes,
    view,
    clock,
    timing,
    whenUnsure: options.whenUnsure ?? 'serve',
    ownersOf: remembering((key) => place(textOf(key)).slice(0, copies)),
  };
  const refiller = new Refiller({
    replicas,
    id: randomUUID(),
    keyPrefix: options.keyPrefix ?? '',
    keysPerSecond: options.refillKeysPerSecond ?? REFILL_KEYS_PER_SECOND,
    itemLifetimeMs: options.itemLifetimeMs ?? ITEM_LIFETIME_MS,
    logger,
  });
  const health = new HealthMonitor(nodes, view, refiller, clock);
  const isReady = () => view.holds() && nodes.every((_, node) => view.isSettled(node));

  return {
    store: new ReplicatedStore(replicas),
    async start() {
      view.start();
      refiller.start();
      health.start();
      const deadline = clock.now() + START_MS;
      while (!isReady() && clock.now() < deadline) await sleep(clock, START_STEP_MS);
      return isReady();
    },
    close() {
      view.close();
      refiller.close();
      health.close();
      for (const node of nodes) node.close();
    },
    health: () => health.read(),
  };
}

function checkedCopies(copies: number): number {
  if (Number.isInteger(copies) && copies >= 1 && copies <= MAX_COPIES) return copies;
  throw new Error(`${copies} copies of each item cannot be kept: choose 1, 2 or 3`);
}

function logEntry(
  logger: Logger,
  node: string,
  { state, epoch }: Entry,
  reason: string | undefined,
): void {
  if (state === 'behind') logger.warn({ node, epoch, reason }, 'memcached node is behind');
  else logger.info({ node, epoch }, `memcached node is ${state}`);
}

/** A key's bytes as the text that the dashboards' client would place it by. */
function textOf(key: string): string {
  if (!/[\x80-\xff]/.test(key)) return key;
  const text = Buffer.from(key, 'latin1').toString();
  return text.includes('\ufffd') ? key : text;
}

/** Keys whose owners are remembered: placing one costs more than to look it up. */
const REMEMBERED_KEYS = 10_000;

function remembering(ownersOf: (key: string) => readonly number[]) {
  const remembered = new Map<string, readonly number[]>();
  return (key: string): readonly number[] => {
    const known = remembered.get(key);
    if (known !== undefined) return known;
    const owners = ownersOf(key);
    if (remembered.size === REMEMBERED_KEYS) remembered.clear();
    remembered.set(key, owners);
    return owners;
  };
}
