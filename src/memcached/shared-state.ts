import type { VersionedItem } from './byte-requests.ts';
import {
  coversDecisions,
  credibleDecisions,
  type Decision,
  type Decisions,
  decided,
  decodeDecisions,
  encodeDecisions,
  mergeDecisions,
  subjectOf,
} from './decisions.ts';
import { decodeHeartbeat, encodeHeartbeat, type Heartbeat, type ServiceBeat } from './heartbeat.ts';
import { OWN_KEYS } from './own-keys.ts';
import { type Peer, Peers } from './peers.ts';
import { decodeRoster, encodeRoster, MAX_GATEWAYS, mendedRoster } from './roster.ts';
import type { StateNode } from './state-node.ts';

export interface SharedStateOptions {
  readonly nodes: readonly StateNode[];
  /** This gateway's name, different from every other's. */
  readonly name: string;
  /** Differs from start to start. */
  readonly instance: string;
  /** Tells secrets apart without telling them. */
  readonly secret: string;
  /** Pause between two heartbeats, in ms. */
  readonly intervalMs: number;
  /** Decisions that are known from the start. */
  readonly decisions?: Decisions | undefined;
  /** What this gateway holds at this moment. */
  readonly report: () => readonly ServiceBeat[];
  /** Called after each exchange with the nodes, whether or not it brought anything. */
  readonly onBeat: () => void;
  /** Called when another gateway goes by the same name. */
  readonly onNamesake: () => void;
  /** The clock, in ms; it need not agree with any other. */
  readonly now?: () => number;
}

const PREFIX = OWN_KEYS.state;
const ROSTER_KEY = `${PREFIX}gateways`;
const DECISIONS_KEY = `${PREFIX}decisions`;
const heartbeatKey = (name: string) => `${PREFIX}gateway:${name}`;

/** Heartbeats that a gateway may miss before it is taken for gone. */
const MISSED = 5;
/** How long a heartbeat is kept after the last one, in seconds. */
const HEARTBEAT_TTL = 60;
/** How long a gateway is silent before it is no longer asked after. */
const FORGET_MS = 3_600_000;
/** Heartbeats under the own name from elsewhere, after which they are no leftovers. */
const NAMESAKE_BEATS = 3;

/**
 * What gateways share through memcached: heartbeats, each written by its own gateway, and the
 * decisions of operators, one document that all merge. Everything is on every node, and every node
 * is dealt with by itself: one that is slow or away holds up nobody, and one that has lost its data
 * is given what is known here. Without any node a gateway goes on with what it knows.
 */
export class SharedState {
  readonly #options: SharedStateOptions;
  readonly #now: () => number;
  readonly #peers: Peers;
  /** When each gateway's name was first read. */
  readonly #known = new Map<string, number>();
  /** The names that each node had when it last answered. */
  readonly #rosters = new Map<StateNode, ReadonlySet<string>>();
  readonly #busy = new Set<StateNode>();
  #decisions: Decisions;
  #beat = 0;
  #foreign: { readonly instance: string; readonly beats: Set<number> } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopping = false;

  constructor(options: SharedStateOptions) {
    this.#options = options;
    this.#decisions = options.decisions ?? new Map();
    this.#now = options.now ?? (() => performance.now());
    this.#peers = new Peers(options.intervalMs * MISSED);
  }

  /** The operators' decisions, as they are known here. */
  get decisions(): Decisions {
    return this.#decisions;
  }

  /** The other gateways that live. */
  get peers(): Peer[] {
    return this.#peers.live(this.#now());
  }

  /** Begins to exchange with the nodes, and goes on until `close`; resolves after the first time. */
  async start(): Promise<void> {
    this.#timer = setInterval(() => void this.exchange(), this.#options.intervalMs);
    this.#timer.unref();
    await this.exchange();
  }

  /** Makes a decision that holds for all gateways; they are told at once, as far as they can be. */
  decide(subject: string, decision: Decision): Promise<void> {
    this.#decisions = decided(this.#decisions, subject, decision, this.#options.name);
    return this.exchange();
  }

  /** Exchanges with every node that is not being exchanged with. Never rejects. */
  async exchange(): Promise<void> {
    this.#beat += 1;
    const free = this.#options.nodes.filter((node) => !this.#busy.has(node));
    await Promise.all(free.map((node) => this.#exchangeWith(node)));
    this.#forget(this.#now());
    if (!this.#stopping) this.#options.onBeat();
  }

  /** Exchanges no more. */
  stop(): void {
    this.#stopping = true;
    clearInterval(this.#timer);
  }

  /** Says good-bye. */
  async close(): Promise<void> {
    this.stop();
    await this.exchange();
  }

  async #exchangeWith(node: StateNode): Promise<void> {
    this.#busy.add(node);
    try {
      const { name } = this.#options;
      const others = [...this.#known.keys()].filter((known) => known !== name);
      const keys = [ROSTER_KEY, DECISIONS_KEY, ...[name, ...others].map(heartbeatKey)];
      const items = await node.fetch(keys);
      this.#watchOwn(items.get(heartbeatKey(name)));
      for (const other of others) this.#watch(other, items.get(heartbeatKey(other)));
      await node.set(heartbeatKey(name), this.#heartbeat(), HEARTBEAT_TTL);
      await this.#share(node, items.get(DECISIONS_KEY));
      await this.#enlist(node, items.get(ROSTER_KEY));
    } catch {
      // It is told of where nodes are watched; the next heartbeat tries again.
    } finally {
      this.#busy.delete(node);
    }
  }

  #watch(name: string, item: VersionedItem | undefined): void {
    const heartbeat = item && decodeHeartbeat(item.value);
    if (heartbeat) this.#peers.saw(name, heartbeat, this.#now());
  }

  /** Another gateway of this name would overwrite what this one tells. */
  #watchOwn(item: VersionedItem | undefined): void {
    const heartbeat = item && decodeHeartbeat(item.value);
    if (!heartbeat || heartbeat.instance === this.#options.instance) return;
    if (this.#foreign?.instance !== heartbeat.instance) {
      this.#foreign = { instance: heartbeat.instance, beats: new Set() };
    }
    const { beats } = this.#foreign!;
    beats.add(heartbeat.beat);
    if (beats.size < NAMESAKE_BEATS) return;
    beats.clear();
    this.#options.onNamesake();
  }

  /** Learns what the node knows of decisions, and brings it up to what is known here. */
  async #share(node: StateNode, item: VersionedItem | undefined): Promise<void> {
    const held = item && decodeDecisions(item.value);
    const credible = held && credibleDecisions(this.#decisions, held, this.#ownSubjects());
    if (credible) this.#decisions = mergeDecisions(this.#decisions, credible);
    const wanted = this.#decisions;
    const isThere = held !== undefined && credible === held && coversDecisions(held, wanted);
    if (wanted.size === 0 || isThere) return;
    // Where somebody else was first, the next heartbeat merges what they wrote.
    await put(node, DECISIONS_KEY, item, encodeDecisions(wanted));
  }

  #ownSubjects(): Set<string> {
    const beats = this.#options.report();
    return new Set(
      beats.flatMap(({ name, backends }) => backends.map((one) => subjectOf(name, one.name))),
    );
  }

  async #enlist(node: StateNode, item: VersionedItem | undefined): Promise<void> {
    const now = this.#now();
    const roster = decodeRoster(item?.value);
    this.#rosters.set(node, roster);
    for (const name of roster) if (!this.#known.has(name)) this.#known.set(name, now);
    const mended = mendedRoster(roster, this.#options.name, (name) => this.#isForgotten(name, now));
    if (mended) await put(node, ROSTER_KEY, item, encodeRoster(mended));
  }

  /**
   * After all nodes have been told, or the roster of another one would bring them back. A node that shows
   * other names each time would have ever more of them asked after: who is in no roster any more, as
   * after the loss of a node's data, is kept while it lives, and of those so many.
   */
  #forget(now: number): void {
    const named = new Set([...this.#rosters.values()].flatMap((names) => [...names]));
    const live = this.#peers.live(now).filter(({ name }) => !named.has(name));
    for (const { name } of live.slice(0, MAX_GATEWAYS)) named.add(name);
    for (const name of this.#known.keys()) {
      if (named.has(name) && !this.#isForgotten(name, now)) continue;
      this.#known.delete(name);
      this.#peers.forget(name);
    }
  }

  #isForgotten(name: string, now: number): boolean {
    const since = this.#known.get(name);
    if (since === undefined) return false;
    return (this.#peers.silentMs(name, now) ?? now - since) > FORGET_MS;
  }

  #heartbeat(): Buffer {
    const { instance, secret, report } = this.#options;
    const services = this.#stopping ? [] : report();
    const heartbeat: Heartbeat = {
      instance,
      beat: this.#beat,
      stopping: this.#stopping,
      secret,
      services,
    };
    return encodeHeartbeat(heartbeat);
  }
}

/** Stores in place of what was read, or where nothing was, and only there. */
function put(
  node: StateNode,
  key: string,
  read: VersionedItem | undefined,
  value: Buffer,
): Promise<boolean> {
  return read ? node.replace(key, value, read.cas, 0) : node.add(key, value, 0);
}
