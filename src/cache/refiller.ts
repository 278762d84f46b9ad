import { messageOf } from '../errors.ts';
import { type Logger, silentLogger } from '../log.ts';
import { isOwnKey, OWN_KEYS } from '../memcached/own-keys.ts';
import { type CacheNode, type DocumentNode, ListingRefused } from './cache-node.ts';
import { type Clock, sleep } from './clock.ts';
import { type CopyOutcome, copyItem } from './item-copy.ts';
import type { Layout } from './layout.ts';
import type { Member } from './members.ts';
import type { Place } from './place.ts';
import type { Replicas } from './replicas.ts';
import type { SharedView } from './shared-view.ts';
import { type Entry, withCopies } from './view-document.ts';

export interface RefillerOptions {
  readonly replicas: Replicas;
  readonly view: SharedView;
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

/** How far the refilling of a node by this gateway has come. */
export interface RefillProgress {
  readonly node: string;
  /** Keys looked at. */
  keys: number;
  copied: number;
  removed: number;
  /** Those that the node would not take: they are too large for it, or it has no room. */
  refused: number;
  /** Those that a node has which will not tell them. */
  untold: number;
}

/** Outcomes that the log tells the number of. */
const COUNTED = ['copied', 'removed', 'refused', 'untold'] as const;

const TICK_MS = 200;
const COPIES_AT_ONCE = 16;
const COPY_ATTEMPTS = 5;
const LOCK_SECONDS = 5;
const LOCK_RENEWAL_MS = 1000;
const MAX_BACKOFF_MS = 30_000;

/** The refilling was broken off: somebody else's turn, or the node changed state. */
class RefillOver extends Error {}

/** What a node is to be filled with, and the states that it was seen in: for one layout each. */
interface Filling {
  readonly member: Member;
  readonly layouts: readonly Layout[];
  readonly places: readonly Place[];
  entries: readonly Entry[];
}

/**
 * Brings nodes up to date that are behind, by any of the layouts in force: has every gateway write to
 * the node (`refilling`), then compares each key that it holds, and each that others hold and it
 * should, with the full owners, and declares it full. One gateway at a time does so for a node, by a lock on the node that runs
 * out; the lock saves work and is not needed for safety.
 */
export class Refiller {
  readonly #options: RefillerOptions;
  readonly #view: SharedView;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** Attempts in a row, and when the next may be made. */
  readonly #attempts = new Map<string, { count: number; notBefore: number }>();
  /** By node: the epoch at which it cannot be swept. */
  readonly #unlisted = new Map<string, number>();
  /** By node: the epoch in which it was filled here. */
  readonly #filled = new Map<string, number>();
  #progress: RefillProgress | undefined;
  #cancelTick: (() => void) | undefined;
  #closed = false;

  constructor(options: RefillerOptions) {
    this.#options = options;
    this.#view = options.view;
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
    for (const member of this.#view.known.members) {
      const filling = this.#fillingOf(member);
      if (!this.#isDue(filling)) continue;
      const { address } = member;
      try {
        if (await this.#refill(filling)) return;
      } catch (error) {
        if (error instanceof ListingRefused) {
          this.#unlisted.set(address, this.#view.known.summary(address).epoch);
        }
        this.#logger.warn({ node: address, reason: messageOf(error) }, 'refilling broken off');
      } finally {
        this.#progress = undefined;
      }
    }
  }

  /** By which layouts a node is not full. */
  #fillingOf(member: Member): Filling {
    const { address } = member;
    const isBehind = (layout: Layout) =>
      layout.nodes.includes(address) && this.#view.place(address, [layout]).entry.state !== 'full';
    const layouts = this.#view.arrangement.written.filter(isBehind);
    const places = layouts.map((layout) => this.#view.place(address, [layout]));
    return { member, layouts, places, entries: places.map(({ entry }) => entry) };
  }

  #isDue(filling: Filling): boolean {
    const { timing } = this.#options.replicas;
    const { member, places } = filling;
    const { reachableSince } = member.contact;
    if (places.length === 0 || filling.entries.some(({ epoch }) => epoch === 0)) return false;
    if (reachableSince === undefined || !this.#view.holds() || this.#isUnlisted(filling)) {
      return false;
    }
    // Only what every gateway knows as full is copied from.
    const isFresh = (place: Place) => place.entry.state === 'full' && !this.#view.isSettled(place);
    if (this.#view.known.places.some(isFresh)) return false;
    // A write that was given up on must be over before the node is written to again. It was sent
    // before the state was settled, and may have waited at the node for the node to go on.
    const settled = places.map((place) => this.#view.settledSince(place));
    const quietSince = Math.max(reachableSince, ...settled);
    const notBefore = this.#attempts.get(this.#attemptsOf(filling))?.notBefore ?? 0;
    return this.#clock.now() >= Math.max(quietSince + timing.quietMs, notBefore);
  }

  /** Whether the node is full now. */
  async #refill(filling: Filling): Promise<boolean> {
    const { member, places, layouts } = filling;
    const { address, node } = member;
    const lock = new Lock(node.control, `${OWN_KEYS.cache}refill:${address}`, this.#options.id);
    if (!(await lock.take())) return false;
    const attempts = this.#attemptsOf(filling);
    this.#backOff(attempts);
    if (!isAsSeen(filling)) return false;
    if (places.some(({ entry }) => entry.state === 'behind')) {
      this.#view.change((view, now) => withCopies(view, address, layouts, 'refilling', now));
      filling.entries = places.map(({ entry }) => entry);
    }
    const settled = await Promise.all(places.map((place) => this.#view.settled(place)));
    if (settled.includes(false) || !isAsSeen(filling)) return false;
    this.#logger.info({ node: address }, 'memcached node is being refilled');
    const progress = { node: address, keys: 0, copied: 0, removed: 0, refused: 0, untold: 0 };
    this.#progress = progress;
    if (this.#unlisted.get(address) !== filling.entries[0]!.epoch) {
      await this.#sweep(filling, lock, progress);
    }
    if (!this.#view.holds() && !(await this.#view.refresh())) return false;
    if (!isAsSeen(filling)) return false;
    this.#view.change((view, now) => withCopies(view, address, layouts, 'full', now));
    if (attempts !== address) this.#attempts.delete(attempts);
    this.#filled.set(address, filling.entries[0]!.epoch);
    this.#logger.info({ ...progress }, 'memcached node is full again');
    if (progress.refused > 0) {
      const remedy = 'give all nodes the same memory (-m) and the same largest item (-I)';
      const { refused } = progress;
      this.#logger.warn({ node: address, refused, remedy }, 'a node does not take all items');
    }
    if (progress.untold > 0) {
      const remedy =
        'raise CACHE_MAX_VALUE_BYTES to what the nodes take (-I), or their memory (-m)';
      const { untold } = progress;
      this.#logger.warn({ node: address, untold, remedy }, 'other nodes do not tell all items');
    }
    return true;
  }

  /** A node that cannot be swept is full only when whatever it missed has expired. */
  #isUnlisted({ member, entries }: Filling): boolean {
    if (this.#unlisted.get(member.address) !== entries[0]!.epoch) return false;
    // What is not being refilled yet has to begin with it.
    if (entries.some(({ state }) => state === 'behind')) return false;
    const since = Math.max(...entries.map((entry) => entry.since));
    return this.#clock.unixMs() < since + this.#options.itemLifetimeMs;
  }

  /** By what attempts are counted: to be filled for another layout is no failure of the node. */
  #attemptsOf({ member: { address }, entries }: Filling): string {
    return this.#filled.get(address) === entries[0]!.epoch ? `${address} again` : address;
  }

  /** Each attempt makes the next wait longer; a node that stays full for a while starts anew. */
  #backOff(attempts: string): void {
    const now = this.#clock.now();
    const before = this.#attempts.get(attempts);
    const count =
      before === undefined || now > before.notBefore + MAX_BACKOFF_MS ? 1 : before.count + 1;
    const { quietMs } = this.#options.replicas.timing;
    const wait = Math.min(quietMs * 2 ** count, MAX_BACKOFF_MS);
    this.#attempts.set(attempts, { count, notBefore: now + wait });
  }

  /** First the node's own keys, some of which may be stale, then those of the other nodes. */
  async #sweep(filling: Filling, lock: Lock, progress: RefillProgress): Promise<void> {
    const { member } = filling;
    const others = this.#view.known.members.filter((other) => other !== member);
    for (const source of [member, ...others]) {
      if (source !== member && !this.#view.known.holdsAnything(source.address)) continue;
      for await (const keys of source.node.keys()) {
        const theirs = keys.filter((key) => this.#isHeld(key, member));
        await this.#copyAll(theirs, filling, lock, progress);
      }
    }
  }

  /** Whether the node is to have the key, and is not full by a layout that gives it the key, too. */
  #isHeld(key: string, member: Member): boolean {
    const { keyPrefix, replicas } = this.#options;
    if (!key.startsWith(keyPrefix) || isOwnKey(key)) return false;
    const place = replicas.ownersOf(key).all.find((owner) => owner.member === member);
    return place !== undefined && place.entry.state !== 'full';
  }

  async #copyAll(
    keys: readonly string[],
    filling: Filling,
    lock: Lock,
    progress: RefillProgress,
  ): Promise<void> {
    const { node } = filling.member;
    for (let at = 0; at < keys.length; at += COPIES_AT_ONCE) {
      const started = this.#clock.now();
      const batch = keys.slice(at, at + COPIES_AT_ONCE);
      if (this.#closed) throw new RefillOver('the gateway stops');
      if (!isAsSeen(filling)) throw new RefillOver('the node failed again');
      if (!(await lock.hold(this.#clock.now()))) throw new RefillOver('another gateway goes on');
      const outcomes = await Promise.all(batch.map((key) => this.#copy(key, node)));
      progress.keys += batch.length;
      for (const counted of COUNTED) {
        progress[counted] += outcomes.filter((outcome) => outcome === counted).length;
      }
      const due = started + (batch.length / this.#options.keysPerSecond) * 1000;
      const wait = Math.floor(due - this.#clock.now());
      if (wait > 0) await sleep(this.#clock, wait);
    }
  }

  async #copy(key: string, node: CacheNode): Promise<CopyOutcome> {
    for (let attempt = 0; attempt < COPY_ATTEMPTS; attempt++) {
      const outcome = await copyItem(this.#options.replicas, key, node);
      if (outcome === 'refused' || outcome === 'untold') {
        // One item is not to keep all others from being there twice. It has no old one either.
        await node.delete(key);
        return outcome;
      }
      if (outcome === 'over') throw new RefillOver('the view changed');
      if (outcome !== 'raced') return outcome;
    }
    throw new RefillOver('an item changes faster than it can be copied');
  }
}

function isAsSeen({ places, entries }: Filling): boolean {
  return places.every(({ entry }, position) => entry === entries[position]);
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
