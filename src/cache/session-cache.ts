import { randomUUID } from 'node:crypto';
import { type Logger, silentLogger } from '../log.ts';
import { type NodeAddress, parseNode } from '../memcached/node-address.ts';
import { createPlacement, type Placement } from '../memcached/placement.ts';
import { type CacheHealth, HealthMonitor } from './cache-health.ts';
import type { CacheStore } from './cache-store.ts';
import { type CacheTiming, DEFAULT_CACHE_TIMING } from './cache-timing.ts';
import { sleep, systemClock } from './clock.ts';
import { checkedSpec, type Layout } from './layout.ts';
import { MemcachedNode } from './memcached-node.ts';
import { Mover } from './mover.ts';
import { NodeCounters } from './node-counters.ts';
import { type AddressOrder, Placer } from './owners.ts';
import { holdItems } from './population.ts';
import { Refiller } from './refiller.ts';
import { everyNodeOf, type Replicas, type WhenUnsure } from './replicas.ts';
import { ReplicatedStore } from './replicated-store.ts';
import { SharedView } from './shared-view.ts';
import type { Entry } from './view-document.ts';

/** Which nodes there are, and where on them a key belongs. */
export interface NodeOptions {
  /** The nodes, in the order of the dashboards' `LOCATION` before the cache. */
  readonly nodes: readonly string[];
  /** The dashboards' client library before the cache, so that switching over keeps every session. */
  readonly placement: Placement;
  /** On how many nodes each item is kept: 1 to 3; 2 unless told. */
  readonly copies?: number;
}

export interface SessionCacheOptions extends NodeOptions {
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
  /**
   * Exchanges the nodes for others, in the background and with all gateways; what is configured
   * already changes nothing. Throws as {@link createSessionCache} does.
   */
  moveTo(nodes: NodeOptions): void;
  /** Ends every connection; what waits rejects with UnavailableError. */
  close(): void;
  health(): CacheHealth;
}

const COPIES = 2;
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
  const spec = specOf(options);
  const logger = options.logger ?? silentLogger;
  const clock = systemClock;
  const timing = { ...DEFAULT_CACHE_TIMING, ...options.timing };
  const counters = new NodeCounters();
  const connect = (text: string) => {
    const address = parseNode(text);
    return new MemcachedNode(address, {
      timing,
      maxValueBytes: options.maxValueBytes,
      reachedAt: options.reachedAt?.(address),
      extraMs: () => (view.isIndispensable(text) ? timing.lastCopyMs : 0),
      counts: counters.of(text),
    });
  };
  const onEntry = (node: string, entry: Entry, reason: string | undefined) => {
    health.note(node, reason);
    logEntry(logger, node, entry, reason);
  };
  const keyPrefix = options.keyPrefix ?? '';
  const view = new SharedView({
    spec,
    connect,
    clock,
    timing,
    onEntry,
    arePopulated: (nodes) => holdItems(nodes, keyPrefix),
  });
  const placer = new Placer({
    arrangement: () => view.arrangement,
    place: (address, layouts) => view.place(address, layouts),
    orderOf,
  });
  const replicas: Replicas = {
    view,
    clock,
    timing,
    whenUnsure: options.whenUnsure ?? 'serve',
    ownersOf: (key) => placer.ownersOf(key),
    everyNode: () => everyNodeOf(view),
  };
  const refiller = new Refiller({
    replicas,
    view,
    id: randomUUID(),
    keyPrefix,
    keysPerSecond: options.refillKeysPerSecond ?? REFILL_KEYS_PER_SECOND,
    itemLifetimeMs: options.itemLifetimeMs ?? ITEM_LIFETIME_MS,
    logger,
  });
  const mover = new Mover({ view, spec, clock, logger });
  const health = new HealthMonitor({ view, refiller, mover, counters, clock });
  const isReady = () => view.holds() && view.isAllSettled();

  return {
    store: new ReplicatedStore(replicas),
    async start() {
      view.start();
      refiller.start();
      mover.start();
      health.start();
      const deadline = clock.now() + START_MS;
      while (!isReady() && clock.now() < deadline) await sleep(clock, START_STEP_MS);
      return isReady();
    },
    moveTo: (nodes) => mover.moveTo(specOf(nodes)),
    close() {
      refiller.close();
      mover.close();
      health.close();
      view.close();
    },
    health: () => health.read(),
  };
}

function specOf({ nodes, placement, copies = COPIES }: NodeOptions) {
  return checkedSpec({ nodes, placement, copies });
}

/** The order of a layout's nodes for any key. */
function orderOf({ nodes, placement }: Layout): AddressOrder {
  const place = createPlacement(placement, nodes.map(parseNode));
  return (key) => place(textOf(key)).map((index) => nodes[index]!);
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
