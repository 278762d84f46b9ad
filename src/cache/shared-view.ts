import type { CacheNode } from './cache-node.ts';
import type { CacheTiming } from './cache-timing.ts';
import { type Clock, sleep } from './clock.ts';
import { KnownView, type KnownViewOptions } from './known-view.ts';
import { type Arrangement, type Layout, quorumOf } from './layout.ts';
import type { Member } from './members.ts';
import { NEVER, type Place } from './place.ts';
import { VIEW_KEY } from './reserved-keys.ts';
import { Signal } from './signal.ts';
import {
  covers,
  type Entry,
  initialView,
  UNKNOWN_ENTRY,
  type View,
  withLoss,
} from './view-document.ts';
import { ViewJudge } from './view-judge.ts';
import { isOfCluster, Kinship } from './view-kinship.ts';
import { ViewPublisher } from './view-publisher.ts';
import { ViewReading } from './view-reading.ts';

export interface SharedViewOptions extends KnownViewOptions {
  readonly clock: Clock;
  readonly timing: CacheTiming;
  /** Whether nodes that were never served hold items nevertheless; they do not unless told. */
  readonly arePopulated?: (nodes: readonly CacheNode[]) => Promise<boolean>;
}

/**
 * The view that all gateways share: which nodes there are and which are believed. It is kept as a
 * document on every node and only ever grows ({@link mergeViews}). What a majority of the nodes
 * holds at one time is *established*: whoever reads a majority after that sees it. A gateway that
 * has read a majority holds a lease on what it has seen until `leaseMs` after it began to read; so
 * `leaseWaitMs` after a change is established every gateway has seen it or holds no lease. The
 * change is then *settled*. With two nodes one is enough where the other does not answer, which two
 * gateways can see differently: what is said of leases holds from three nodes up.
 *
 * Nodes forget when they are restarted, so two rules keep a majority one. A change counts as
 * established only when one reading, which takes no longer than `pollDeadlineMs`, has found it on
 * a majority: acknowledgements of a longer time may be of nodes that have since forgotten. And a
 * node that has forgotten is given a document again only out of a reading that began so much later
 * than the loss was seen: what was established by means of the lost document is on another node
 * by then, and in that reading. Both hold as long as a minority forgets at a time.
 *
 * While the nodes are exchanged for others ({@link Mover}) a majority is one of each layout that is
 * still written to. Two gateways then meet though one of them knows fewer layouts: that a layout is
 * written to no more is said only when it is settled that nobody reads it, and thus on a majority of
 * its own nodes, where a gateway that knows nothing else finds it.
 */
export class SharedView {
  readonly #options: SharedViewOptions;
  readonly #clock: Clock;
  readonly #timing: CacheTiming;
  readonly #known: KnownView;
  readonly #publisher: ViewPublisher;
  readonly #judge: ViewJudge;
  readonly #kinship = new Kinship();
  #leaseUntil = Number.NEGATIVE_INFINITY;
  #quorumAt: number;
  #refreshing: Promise<void> | undefined;
  #bootstrapping = false;
  readonly #changed: Signal;
  #cancelReading: (() => void) | undefined;
  #closed = false;

  constructor(options: SharedViewOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#timing = options.timing;
    this.#changed = new Signal(options.clock);
    this.#known = new KnownView(options);
    this.#quorumAt = this.#clock.now();
    this.#publisher = new ViewPublisher({
      view: () => this.current,
      isOurs: (document) => this.#kinship.isOurs(this.current, document),
      onSeen: (member, document) => this.#saw(member, document),
      // Whether a majority has it now takes a reading to know.
      onPublished: () => {
        if (!this.#known.isEstablished) this.#read(false);
      },
    });
    this.#judge = new ViewJudge({
      timing: options.timing,
      spec: options.spec,
      view: this.#known,
      bootstrap: (members) => void this.#bootstrap(members),
      lose: (address, reason) => this.#lose(address, reason),
      restore: (member, reason) => this.#restore(member, reason),
    });
  }

  /** Begins to read the view, and goes on until {@link close}. */
  start(): void {
    const reading = this.#read(true);
    reading.done.then(() => {
      if (this.#closed) return;
      this.#judge.conclude(reading, this.#clock.now() - this.#quorumAt);
      this.#push();
      const due = reading.start + this.#timing.pollEveryMs;
      this.#cancelReading = this.#clock.after(Math.max(0, due - this.#clock.now()), () =>
        this.start(),
      );
    });
  }

  /** Ends every connection, too. */
  close(): void {
    this.#closed = true;
    this.#publisher.close();
    this.#cancelReading?.();
    this.#known.close();
  }

  /** What is known of the view, and what follows from it. */
  get known(): Omit<KnownView, 'adopt' | 'recount' | 'close'> {
    return this.#known;
  }

  get current(): View {
    return this.#known.current;
  }

  get arrangement(): Arrangement {
    return this.#known.arrangement;
  }

  /** {@link KnownView.place} */
  place(address: string, layouts: readonly Layout[]): Place {
    return this.#known.place(address, layouts);
  }

  /** {@link ViewJudge.isIndispensable} */
  isIndispensable(address: string): boolean {
    return this.#judge.isIndispensable(address);
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

  /** Whether every gateway has seen the place's entry, or holds no lease. */
  isSettled(place: Place): boolean {
    return this.#clock.now() >= this.settledSince(place);
  }

  /** When the entry became, or will be, settled; infinite while it is not known as established. */
  settledSince(place: Place): number {
    return place.establishedAt + this.#timing.leaseWaitMs;
  }

  /** Whether every gateway has seen from which layout on is read, or holds no lease. */
  isReadSettled(): boolean {
    return this.#clock.now() >= this.#known.readEstablishedAt + this.#timing.leaseWaitMs;
  }

  /** Whether all that is known, or all of one node, is settled. */
  isAllSettled(address?: string): boolean {
    return (
      this.isReadSettled() &&
      this.#known.places.every(
        (place) =>
          this.isSettled(place) || (address !== undefined && place.member.address !== address),
      )
    );
  }

  /**
   * Resolves when the place's entry is settled or has been replaced; with false where no majority
   * could be made to know it within `establishMs`.
   */
  async settled(place: Place): Promise<boolean> {
    const { entry } = place;
    const deadline = this.#clock.now() + this.#timing.establishMs;
    while (place.establishedAt === NEVER && place.entry === entry) {
      const left = deadline - this.#clock.now();
      if (left <= 0) return false;
      await this.#changed.wait(left);
    }
    while (!this.isSettled(place) && place.entry === entry) {
      const left = this.settledSince(place) - this.#clock.now();
      await sleep(this.#clock, Math.max(1, Math.ceil(left)));
    }
    return true;
  }

  /**
   * Gives a node up that has failed a request since it was seen in this state; nothing where it has
   * been given up since. That it has become full since does not help: what it failed may still
   * come, and undo what comes before.
   */
  lose(place: Place, seen: Entry, reason?: string): void {
    if (place.entry.epoch !== seen.epoch || seen.epoch === UNKNOWN_ENTRY.epoch) return;
    this.#lose(place.member.address, reason);
  }

  /** Makes a change that follows from the view, and has the nodes told. */
  change(make: (view: View, unixMs: number) => View): void {
    this.#adopt(make(this.current, this.#clock.unixMs()));
    this.#push();
  }

  #lose(address: string, reason?: string): void {
    this.#adopt(withLoss(this.current, address, this.#clock.unixMs()), reason);
    this.#push();
  }

  #read(regular: boolean): ViewReading {
    return new ViewReading({
      key: VIEW_KEY,
      members: this.#known.members,
      start: this.#clock.now(),
      isOurs: (document) => this.#kinship.isOurs(this.current, document),
      onAnswer: (reading, member, answer) => {
        if ('reason' in answer) member.contact.failed(answer.reason, regular);
        else this.#saw(member, reading.viewOf(member.address));
        this.#conclude(reading);
      },
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

  /** What follows from the answers so far: a lease, and what is established. */
  #conclude(reading: ViewReading): void {
    if (this.#known.isEmpty) this.#adoptMost(reading);
    if (this.#known.isEmpty || !reading.hasQuorum(this.arrangement)) return;
    const now = this.#clock.now();
    this.#leaseUntil = Math.max(this.#leaseUntil, reading.start + this.#timing.leaseMs);
    this.#quorumAt = now;
    if (now <= reading.start + this.#timing.pollDeadlineMs) this.#known.recount(reading, now);
    this.#changed.notify();
  }

  /** The view of a gateway that starts is that of most nodes: one may be of another cluster. */
  #adoptMost(reading: ViewReading): void {
    const { views } = reading;
    if (views.length < quorumOf(this.#options.spec) && !reading.isComplete) return;
    const kin = (view: View) => views.filter((other) => isOfCluster(view, other));
    const [most] = views.map(kin).sort((a, b) => b.length - a.length);
    for (const view of most ?? []) this.#adopt(view);
  }

  /** A node that has no document has lost its items, too, and is given a document that says so. */
  #restore(member: Member, reason: string): void {
    if (this.#known.holdsAnything(member.address)) this.#lose(member.address, reason);
    this.#publisher.allowRestoring(member);
  }

  /** The first gateway of a cluster that was never served believes every node. */
  async #bootstrap(members: readonly Member[]): Promise<void> {
    if (this.#bootstrapping) return;
    this.#bootstrapping = true;
    const { spec, arePopulated } = this.#options;
    const populated = await arePopulated?.(members.map(({ node }) => node));
    this.#bootstrapping = false;
    // Another gateway may have begun it meanwhile.
    if (this.#closed || !this.#known.isEmpty) return;
    this.#adopt(initialView(spec, this.#clock.unixMs(), populated));
    for (const member of members) this.#publisher.allowRestoring(member);
    this.#push();
  }

  /** Takes note of what is on a node. */
  #saw(member: Member, document: View | undefined): void {
    member.contact.answered(document, this.#clock.now());
    if (document !== undefined && !this.#known.isEmpty) this.#adopt(document);
  }

  #adopt(document: View, reason?: string): void {
    if (this.#known.adopt(document, reason)) this.#changed.notify();
  }

  /** Brings the document on every node up to the view, in the background. */
  #push(): void {
    if (this.#known.isEmpty) return;
    for (const member of this.#known.members) {
      const { held } = member.contact;
      if (held === undefined || !covers(held, this.current)) this.#publisher.publish(member);
    }
  }
}
