import type { DocumentNode } from './cache-node.ts';
import type { CacheTiming } from './cache-timing.ts';
import { type Clock, sleep } from './clock.ts';
import { NodeContact } from './node-contact.ts';
import { VIEW_KEY } from './reserved-keys.ts';
import { Signal } from './signal.ts';
import {
  type CopyState,
  covers,
  type Entry,
  initialView,
  mergeViews,
  nextEntry,
  reaches,
  UNKNOWN_ENTRY,
  type View,
} from './view-document.ts';
import { ViewPublisher } from './view-publisher.ts';
import { ViewReading } from './view-reading.ts';

/** Regular readings in a row without an answer, after which a node is given up. */
const FAILURES_TO_MARK = 3;
const NEVER = Number.POSITIVE_INFINITY;

export interface SharedViewOptions {
  readonly nodes: readonly { readonly address: string; readonly control: DocumentNode }[];
  readonly clock: Clock;
  readonly timing: CacheTiming;
  /** On how many nodes each item is. */
  readonly copies: number;
  /** Called when the entry of a node changes, with the reason where it is known here. */
  readonly onEntry?: (node: number, entry: Entry, reason: string | undefined) => void;
}

/**
 * The view that all gateways share: which nodes are believed. It is kept as a document on every
 * node and only ever grows ({@link mergeViews}). What a majority of the nodes holds at one time is
 * *established*: whoever reads a majority after that sees it. A gateway that has read a majority
 * holds a lease on what it has seen until `leaseMs` after it began to read; so `leaseWaitMs` after
 * a change is established every gateway has seen it or holds no lease. The change is then
 * *settled*. With two nodes one is enough where the other does not answer, which two gateways can
 * see differently: what is said of leases holds from three nodes up.
 *
 * Nodes forget when they are restarted, so two rules keep a majority one. A change counts as
 * established only when one reading, which takes no longer than `pollDeadlineMs`, has found it on
 * a majority: acknowledgements of a longer time may be of nodes that have since forgotten. And a
 * node that has forgotten is given a document again only out of a reading that began so much later
 * than the loss was seen: what was established by means of the lost document is on another node
 * by then, and in that reading. Both hold as long as a minority forgets at a time.
 */
export class SharedView {
  readonly #options: SharedViewOptions;
  readonly #clock: Clock;
  readonly #timing: CacheTiming;
  readonly #quorum: number;
  readonly #contacts: readonly NodeContact[];
  readonly #publisher: ViewPublisher;
  #view: View = new Map();
  /** The view by index, and when each entry is known to have been established. */
  readonly #entries: Entry[];
  readonly #establishedAt: number[];
  #leaseUntil = Number.NEGATIVE_INFINITY;
  #quorumAt: number;
  #refreshing: Promise<void> | undefined;
  readonly #changed: Signal;
  #cancelReading: (() => void) | undefined;
  #closed = false;

  constructor(options: SharedViewOptions) {
    const count = options.nodes.length;
    this.#options = options;
    this.#clock = options.clock;
    this.#timing = options.timing;
    this.#changed = new Signal(options.clock);
    this.#quorum = count <= 2 ? 1 : Math.floor(count / 2) + 1;
    this.#contacts = options.nodes.map(() => new NodeContact());
    this.#entries = options.nodes.map(() => UNKNOWN_ENTRY);
    this.#establishedAt = options.nodes.map(() => NEVER);
    this.#quorumAt = this.#clock.now();
    this.#publisher = new ViewPublisher({
      nodes: options.nodes,
      contacts: this.#contacts,
      view: () => this.#view,
      onSeen: (node, view) => this.#saw(node, view),
      // Whether a majority has it now takes a reading to know.
      onPublished: () => {
        if (this.#establishedAt.includes(NEVER)) this.#read(false);
      },
    });
  }

  /** Begins to read the view, and goes on until {@link close}. */
  start(): void {
    const reading = this.#read(true);
    reading.done.then(() => {
      if (this.#closed) return;
      this.#judge(reading);
      const due = reading.start + this.#timing.pollEveryMs;
      this.#cancelReading = this.#clock.after(Math.max(0, due - this.#clock.now()), () =>
        this.start(),
      );
    });
  }

  close(): void {
    this.#closed = true;
    this.#publisher.close();
    this.#cancelReading?.();
  }

  /** What is known of a node. The same object as long as nothing has changed. */
  entry(node: number): Entry {
    return this.#entries[node]!;
  }

  contact(node: number): Readonly<NodeContact> {
    return this.#contacts[node]!;
  }

  /** Whether the view may be relied upon at this moment. */
  holds(): boolean {
    return this.#clock.now() < this.#leaseUntil;
  }

  /**
   * Reads the view now; whether it may be relied upon after that. Twice where need be: the process
   * may have stood still during the first reading, which then says nothing about now.
   */
  async refresh(): Promise<boolean> {
    for (let reading = 0; reading < 2 && !this.holds(); reading++) {
      this.#refreshing ??= this.#readUntilLease().finally(() => {
        this.#refreshing = undefined;
      });
      await this.#refreshing;
    }
    return this.holds();
  }

  /** Whether every gateway has seen the node's entry, or holds no lease. */
  isSettled(node: number): boolean {
    return this.#clock.now() >= this.settledSince(node);
  }

  /** When the entry became, or will be, settled; infinite while it is not known as established. */
  settledSince(node: number): number {
    return this.#establishedAt[node]! + this.#timing.leaseWaitMs;
  }

  /**
   * Resolves when the node's entry is settled or has been replaced; with false where no majority
   * could be made to know it within `establishMs`.
   */
  async settled(node: number): Promise<boolean> {
    const entry = this.entry(node);
    const deadline = this.#clock.now() + this.#timing.establishMs;
    while (this.#establishedAt[node] === NEVER && this.entry(node) === entry) {
      const left = deadline - this.#clock.now();
      if (left <= 0) return false;
      await this.#changed.wait(left);
    }
    while (!this.isSettled(node) && this.entry(node) === entry) {
      await sleep(this.#clock, Math.max(1, Math.ceil(this.settledSince(node) - this.#clock.now())));
    }
    return true;
  }

  /** Moves a node on from the state it was seen in; nothing where that is no longer its state. */
  advance(node: number, from: Entry, state: CopyState, reason?: string): Entry | undefined {
    if (this.entry(node) !== from) return undefined;
    const next = nextEntry(from, state, this.#clock.unixMs());
    this.#adopt(new Map([[this.#address(node), next]]), reason);
    this.#push();
    return next;
  }

  #read(regular: boolean): ViewReading {
    const { nodes } = this.#options;
    const start = this.#clock.now();
    return new ViewReading(VIEW_KEY, nodes, this.#contacts, start, (reading, node, answer) => {
      if ('error' in answer) this.#contacts[node]!.failed(answer.error, regular);
      else this.#saw(node, answer.view);
      this.#conclude(reading);
    });
  }

  async #readUntilLease(): Promise<void> {
    const { done } = this.#read(false);
    const deadline = this.#clock.now() + this.#timing.pollDeadlineMs;
    let complete = false;
    done.then(() => {
      complete = true;
      this.#changed.notify();
    });
    while (!complete && !this.holds() && this.#clock.now() < deadline) {
      await this.#changed.wait(deadline - this.#clock.now());
    }
  }

  /** What follows from the answers so far: a lease, and which entries are established. */
  #conclude(reading: ViewReading): void {
    if (reading.votes < this.#quorum) return;
    // Of two nodes one is no majority as long as the other may still answer.
    if (this.#contacts.length <= 2 && !reading.isComplete) return;
    const now = this.#clock.now();
    this.#leaseUntil = Math.max(this.#leaseUntil, reading.start + this.#timing.leaseMs);
    this.#quorumAt = now;
    if (now <= reading.start + this.#timing.pollDeadlineMs) this.#recount(reading, now);
    this.#changed.notify();
  }

  /** Finds the entries that a majority was found to hold. */
  #recount(reading: ViewReading, now: number): void {
    for (const [node, entry] of this.#entries.entries()) {
      if (this.#establishedAt[node] !== NEVER) continue;
      const address = this.#address(node);
      const holders = this.#contacts.filter((_, holder) =>
        reaches(reading.viewOf(holder)?.get(address), entry),
      ).length;
      if (holders < this.#quorum) continue;
      if (this.#contacts.length === 2 && holders < reading.votes + reading.absent) continue;
      this.#establishedAt[node] = now;
    }
  }

  /** Draws the conclusions of a complete regular reading. */
  #judge(reading: ViewReading): void {
    if (reading.votes >= this.#quorum) {
      for (const [node, contact] of this.#contacts.entries())
        this.#judgeNode(reading, node, contact);
    } else if (this.#view.size === 0) {
      if (reading.absent >= this.#quorum && reading.votes === 0) this.#bootstrap(reading);
    } else if (
      this.#clock.now() - this.#quorumAt > this.#timing.patienceMs &&
      reading.votes + reading.absent >= this.#quorum
    ) {
      // So many nodes have lost their document that no majority can have it: what is left of it
      // must do, or the cache would never come back.
      for (const node of this.#contacts.keys()) {
        if (reading.isAbsent(node)) this.#restore(node, 'it lost its data, and so did others');
      }
    }
    this.#push();
  }

  #judgeNode(reading: ViewReading, node: number, contact: NodeContact): void {
    const entry = this.entry(node);
    if (entry === UNKNOWN_ENTRY) this.advance(node, entry, 'behind', 'it is new');
    if (reading.isAbsent(node) && contact.absentSince !== undefined) {
      const due = contact.absentSince + this.#timing.pollDeadlineMs;
      if (reading.start >= due)
        this.#restore(node, 'it lost its data: it was restarted or flushed');
    } else if (contact.failures >= FAILURES_TO_MARK && this.#canDoWithout(node)) {
      this.advance(node, entry, 'behind', contact.error);
    }
  }

  /**
   * Whether every item has a full owner besides the node. To give up a node that only does not
   * answer spares the next write a wait, no more: it must not cost the last full copy of an item.
   */
  #canDoWithout(node: number): boolean {
    if (this.entry(node).state === 'behind') return false;
    const others = this.#entries.filter((entry, other) => other !== node && entry.state !== 'full');
    return others.length < this.#options.copies - 1;
  }

  /** The first gateway of a cluster that was never served believes every node. */
  #bootstrap(reading: ViewReading): void {
    const addresses = this.#options.nodes.map(({ address }) => address);
    this.#adopt(initialView(addresses, this.#clock.unixMs()));
    for (const node of addresses.keys())
      if (reading.isAbsent(node)) this.#publisher.allowRestoring(node);
  }

  /** A node that has no document has lost its items, too, and is given a document that says so. */
  #restore(node: number, reason: string): void {
    const entry = this.entry(node);
    if (entry.state !== 'behind') this.advance(node, entry, 'behind', reason);
    this.#publisher.allowRestoring(node);
  }

  /** Takes note of what is on a node. */
  #saw(node: number, document: View | undefined): void {
    this.#contacts[node]!.answered(document, this.#clock.now());
    if (document === undefined) return;
    this.#adopt(document);
  }

  #adopt(document: View, reason?: string): void {
    const merged = mergeViews(this.#view, document);
    if (merged === this.#view) return;
    this.#view = merged;
    for (const [node, { address }] of this.#options.nodes.entries()) {
      const entry = merged.get(address) ?? UNKNOWN_ENTRY;
      if (reaches(this.#entries[node], entry)) continue;
      this.#entries[node] = entry;
      this.#establishedAt[node] = NEVER;
      this.#options.onEntry?.(node, entry, reason);
    }
    this.#changed.notify();
  }

  /** Brings the document on every node up to the view, in the background. */
  #push(): void {
    for (const [node, { held }] of this.#contacts.entries()) {
      if (held === undefined || !covers(held, this.#view)) this.#publisher.publish(node);
    }
  }

  #address(node: number): string {
    return this.#options.nodes[node]!.address;
  }
}
