import { messageOf } from '../errors.ts';
import { type Logger, silentLogger } from '../log.ts';
import { type DocumentNode, ListingRefused } from './cache-node.ts';
import { type Clock, sleep } from './clock.ts';
import { type CopyOutcome, copyItem } from './item-copy.ts';
import type { NodeContact } from './node-contact.ts';
import type { Replicas, ViewOfNodes } from './replicas.ts';
import { RESERVED_PREFIX } from './reserved-keys.ts';
import type { Entry } from './view-document.ts';

export interface RefillerOptions {
  readonly replicas: Replicas & { readonly view: RefillView };
  /** Tells this gateway's work from that of others. */
  readonly id: string;
  /** How the keys begin that are the cache's; nodes may hold others, which are left alone. */
  readonly keyPrefix: string;
  /** How many keys of a node may be looked at in a second. */
  readonly keysPerSecond: number;
  /** The longest life of an item, in ms: how long a node that cannot be swept is not believed. */
  readonly itemLifetimeMs: number;
  readonly logger?: Logger;
}

export interface RefillView extends ViewOfNodes {
  contact(node: number): Readonly<NodeContact>;
  /** Since when the node's entry has been settled, or will be; infinite where that is not known. */
  settledSince(node: number): number;
}

/** How far the refilling of a node by this gateway has come. */
export interface RefillProgress {
  readonly node: number;
  /** Keys looked at. */
  keys: number;
  copied: number;
  removed: number;
}

const TICK_MS = 200;
const COPIES_AT_ONCE = 16;
const COPY_ATTEMPTS = 5;
const LOCK_SECONDS = 5;
const LOCK_RENEWAL_MS = 1000;
const MAX_BACKOFF_MS = 30_000;

/** The refilling was broken off: somebody else's turn, or the node changed state. */
class RefillOver extends Error {}

/**
 * Brings nodes that are behind up to date: has every gateway write to the node (`refilling`), then
 * compares each key that it holds, and each that others hold and it should, with the full owners,
 * and declares it full. One gateway at a time does so for a node, by a lock on the node that runs
 * out; the lock saves work and is not needed for safety.
 */
export class Refiller {
  readonly #options: RefillerOptions;
  readonly #view: RefillView;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** By node: attempts in a row, when the next may be made, and what cannot be swept at which epoch. */
  readonly #attempts = new Map<number, { count: number; notBefore: number }>();
  readonly #unlisted = new Map<number, number>();
  #progress: RefillProgress | undefined;
  #cancelTick: (() => void) | undefined;
  #closed = false;

  constructor(options: RefillerOptions) {
    this.#options = options;
    this.#view = options.replicas.view;
    this.#clock = options.replicas.clock;
    this.#logger = options.logger ?? silentLogger;
  }

  get progress(): Readonly<RefillProgress> | undefined {
    return this.#progress;
  }

  start(): void {
    this.#cancelTick = this.#clock.after(TICK_MS, async () => {
      await this.#tick();
      if (!this.#closed) this.start();
    });
  }

  close(): void {
    this.#closed = true;
    this.#cancelTick?.();
  }

  /** Refills one node that needs it and can be reached. */
  async #tick(): Promise<void> {
    const { nodes } = this.#options.replicas;
    for (const [node, { address }] of nodes.entries()) {
      if (!this.#isDue(node)) continue;
      try {
        if (await this.#refill(node)) return;
      } catch (error) {
        if (error instanceof ListingRefused) this.#unlisted.set(node, this.#view.entry(node).epoch);
        this.#logger.warn({ node: address, reason: messageOf(error) }, 'refilling broken off');
      } finally {
        this.#progress = undefined;
      }
    }
  }

  #isDue(node: number): boolean {
    const { timing } = this.#options.replicas;
    const now = this.#clock.now();
    const entry = this.#view.entry(node);
    const { reachableSince } = this.#view.contact(node);
    if (entry.state === 'full' || entry.epoch === 0 || reachableSince === undefined) return false;
    if (!this.#view.holds() || this.#isUnlisted(node, entry)) return false;
    // Only what every gateway knows as full is copied from.
    const { nodes } = this.#options.replicas;
    const isFresh = (_: unknown, other: number) =>
      this.#view.entry(other).state === 'full' && !this.#view.isSettled(other);
    if (nodes.some(isFresh)) return false;
    // A write that was given up on must be over before the node is written to again. It was sent
    // before the state was settled, and may have waited at the node for the node to go on.
    const quietSince = Math.max(reachableSince, this.#view.settledSince(node));
    return now >= Math.max(quietSince + timing.quietMs, this.#attempts.get(node)?.notBefore ?? 0);
  }

  /** Whether the node is full now. */
  async #refill(node: number): Promise<boolean> {
    const { replicas, id } = this.#options;
    const { control, address } = replicas.nodes[node]!;
    const lock = new Lock(control, `${RESERVED_PREFIX}refill:${address}`, id);
    if (!(await lock.take())) return false;
    this.#backOff(node);
    let entry = this.#view.entry(node);
    if (entry.state === 'behind') {
      const next = this.#view.advance(node, entry, 'refilling');
      if (next === undefined) return false;
      entry = next;
    }
    if (!(await this.#view.settled(node)) || this.#view.entry(node) !== entry) return false;
    this.#logger.info({ node: address }, 'memcached node is being refilled');
    const progress = { node, keys: 0, copied: 0, removed: 0 };
    this.#progress = progress;
    if (this.#unlisted.get(node) !== entry.epoch) await this.#sweep(node, entry, lock, progress);
    if (!this.#view.holds() && !(await this.#view.refresh())) return false;
    if (this.#view.advance(node, entry, 'full') === undefined) return false;
    this.#logger.info({ ...progress, node: address }, 'memcached node is full again');
    return true;
  }

  /** A node that cannot be swept is full only when whatever it missed has expired. */
  #isUnlisted(node: number, entry: Entry): boolean {
    if (this.#unlisted.get(node) !== entry.epoch) return false;
    return this.#clock.unixMs() < entry.since + this.#options.itemLifetimeMs;
  }

  /** Each attempt makes the next wait longer; a node that stays full for a while starts anew. */
  #backOff(node: number): void {
    const now = this.#clock.now();
    const before = this.#attempts.get(node);
    const count =
      before === undefined || now > before.notBefore + MAX_BACKOFF_MS ? 1 : before.count + 1;
    const { quietMs } = this.#options.replicas.timing;
    const wait = Math.min(quietMs * 2 ** count, MAX_BACKOFF_MS);
    this.#attempts.set(node, { count, notBefore: now + wait });
  }

  /** First the node's own keys, some of which may be stale, then those of the other nodes. */
  async #sweep(target: number, entry: Entry, lock: Lock, progress: RefillProgress): Promise<void> {
    const { nodes } = this.#options.replicas;
    const others = nodes.map((_, node) => node).filter((node) => node !== target);
    for (const source of [target, ...others]) {
      if (source !== target && this.#view.entry(source).state === 'behind') continue;
      for await (const keys of nodes[source]!.keys()) {
        await this.#copyAll(
          keys.filter((key) => this.#isHeld(key, target)),
          entry,
          lock,
          progress,
        );
      }
    }
  }

  #isHeld(key: string, target: number): boolean {
    const { keyPrefix, replicas } = this.#options;
    if (!key.startsWith(keyPrefix) || key.startsWith(RESERVED_PREFIX)) return false;
    return replicas.ownersOf(key).includes(target);
  }

  async #copyAll(
    keys: readonly string[],
    entry: Entry,
    lock: Lock,
    progress: RefillProgress,
  ): Promise<void> {
    for (let at = 0; at < keys.length; at += COPIES_AT_ONCE) {
      const started = this.#clock.now();
      const batch = keys.slice(at, at + COPIES_AT_ONCE);
      if (this.#closed) throw new RefillOver('the gateway stops');
      if (this.#view.entry(progress.node) !== entry) throw new RefillOver('the node failed again');
      if (!(await lock.hold(this.#clock.now()))) throw new RefillOver('another gateway goes on');
      const outcomes = await Promise.all(batch.map((key) => this.#copy(key, progress.node)));
      progress.keys += batch.length;
      progress.copied += outcomes.filter((outcome) => outcome === 'copied').length;
      progress.removed += outcomes.filter((outcome) => outcome === 'removed').length;
      const due = started + (batch.length / this.#options.keysPerSecond) * 1000;
      const wait = Math.floor(due - this.#clock.now());
      if (wait > 0) await sleep(this.#clock, wait);
    }
  }

  async #copy(key: string, target: number): Promise<CopyOutcome> {
    for (let attempt = 0; attempt < COPY_ATTEMPTS; attempt++) {
      const outcome = await copyItem(this.#options.replicas, key, target);
      if (outcome === 'over') throw new RefillOver('the view changed');
      if (outcome !== 'raced') return outcome;
    }
    throw new RefillOver('an item changes faster than it can be copied');
  }
}

/** Who refills a node: an item on it that runs out unless it is renewed. */
class Lock {
  readonly #node: DocumentNode;
  readonly #key: string;
  readonly #id: Buffer;
  #renewAt = Number.NEGATIVE_INFINITY;

  constructor(node: DocumentNode, key: string, id: string) {
    this.#node = node;
    this.#key = key;
    this.#id = Buffer.from(id);
  }

  async take(): Promise<boolean> {
    return (await this.#node.store('add', this.#key, this.#id, 0, LOCK_SECONDS)) || this.#renew();
  }

  /** Keeps it; whether it still is ours. `now` in ms. */
  async hold(now: number): Promise<boolean> {
    if (now < this.#renewAt) return true;
    this.#renewAt = now + LOCK_RENEWAL_MS;
    return this.take();
  }

  async #renew(): Promise<boolean> {
    const item = await this.#node.fetch(this.#key);
    if (item === undefined || !item.value.equals(this.#id)) return false;
    return (await this.#node.cas(this.#key, this.#id, item.cas, 0, LOCK_SECONDS)) === 'STORED';
  }
}
