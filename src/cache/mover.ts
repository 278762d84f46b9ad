import { messageOf } from '../errors.ts';
import { type Logger, silentLogger } from '../log.ts';
import type { Clock } from './clock.ts';
import { isSameSpec, type Layout, type LayoutSpec, quorumOf } from './layout.ts';
import { VIEW_KEY } from './reserved-keys.ts';
import type { SharedView } from './shared-view.ts';
import { withLayout } from './view-document.ts';
import { decodeView, encodeView } from './view-encoding.ts';
import { isOfCluster } from './view-kinship.ts';

export interface MoverOptions {
  readonly view: SharedView;
  /** As it is configured when the gateway starts. */
  readonly spec: LayoutSpec;
  readonly clock: Clock;
  readonly logger?: Logger;
}

/** What is known of a move, for people. */
export interface MoveState {
  /** The nodes that are moved to, where more than one layout is written to. */
  readonly to: readonly string[];
  /** Those that are then no longer needed. */
  readonly leaving: readonly string[];
}

const TICK_MS = 200;

/**
 * Exchanges the nodes, or their order, for others without losing what they hold. Layouts only come,
 * and are only left behind, in the order of their ranks, so gateways that disagree about what is
 * wanted still agree on all that matters:
 *
 * 1. A gateway that is told of another list puts the view on the nodes that are new, and then
 *    proposes a layout of the next rank. From then on it writes every item to where the old layouts
 *    have it and to where the new one has it; others do so as soon as they have seen it. Nobody
 *    reads by the new layout, for by it every node is `behind`.
 * 2. Each node is refilled for the new layout as it is after a loss: when it is settled that it is
 *    `refilling`, every gateway that holds a lease knows the new layout, and writes to it.
 * 3. When by the layout of the highest rank every node is full, those of lower ranks are read no
 *    more (`read` of the view). Writes still go there, for other gateways may read them yet.
 * 4. When that is settled, they are written to no more (`write`), and their nodes are let go.
 *
 * Each step takes something on only when every gateway with a lease has seen the one before, and a
 * gateway that comes late with an old step changes nothing, because ranks, `read` and `write` only
 * grow. Two gateways that propose different layouts at the same time give them the same rank; both are
 * written to then, and when the greater by name is full it is proposed anew, with a rank of its own.
 * There is no way back but another move, so that no gateway can have gone on while another went back.
 */
export class Mover {
  readonly #view: SharedView;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** What is configured; as long as `wanted`, it is proposed where the view has something else. */
  #spec: LayoutSpec;
  #wanted = true;
  /** Told to by an operator: also where the view has moved on from it already. */
  #insistent = false;
  #complaint = '';
  #cancel: (() => void) | undefined;
  #closed = false;

  constructor({ view, spec, clock, logger = silentLogger }: MoverOptions) {
    this.#view = view;
    this.#spec = spec;
    this.#clock = clock;
    this.#logger = logger;
  }

  start(): void {
    this.#cancel = this.#clock.after(TICK_MS, async () => {
      try {
        await this.#step();
      } catch (error) {
        this.#complain(messageOf(error));
      }
      if (!this.#closed) this.start();
    });
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
  }

  /** Moves to another layout, in the background; nothing where that is what was configured. */
  moveTo(spec: LayoutSpec): void {
    if (isSameSpec(spec, this.#spec)) return;
    this.#spec = spec;
    this.#wanted = true;
    this.#insistent = true;
    this.#complaint = '';
  }

  get state(): MoveState | undefined {
    const { written } = this.#view.arrangement;
    const target = written.at(-1)!;
    if (written.length === 1) return undefined;
    const all = new Set(written.flatMap(({ nodes }) => nodes));
    return { to: target.nodes, leaving: [...all].filter((node) => !target.nodes.includes(node)) };
  }

  async #step(): Promise<void> {
    if (!this.#view.holds() || this.#view.current.layouts.size === 0) return;
    if (this.#wanted) await this.#propose(this.#spec);
    // What follows is decided in one turn, on a view that may be relied upon.
    if (this.#closed || !this.#view.holds()) return;
    const { written, read } = this.#view.arrangement;
    const target = written.at(-1)!;
    if (read.length > 1 && this.#isFull(target)) this.#readOnly(target);
    else if (read.length < written.length && this.#view.isReadSettled()) {
      this.#view.change((view) => ({ ...view, write: view.read }));
      const { nodes, copies } = target;
      this.#logger.info({ nodes, copies }, 'the session cache has every item where it belongs');
    }
  }

  async #propose(spec: LayoutSpec): Promise<void> {
    if (this.#isThereAlready(spec)) return;
    this.#view.known.alsoConnect(spec.nodes);
    const { written } = this.#view.arrangement;
    const isNew = (node: string) => written.every(({ nodes }) => !nodes.includes(node));
    const reached = await Promise.all(
      spec.nodes.map((node) => (isNew(node) ? this.#putView(node) : this.#isReached(node))),
    );
    if (this.#spec !== spec || !this.#view.holds() || this.#isThereAlready(spec)) return;
    const away = spec.nodes.filter((node, i) => isNew(node) && !reached[i]);
    if (away.length > 0) {
      return this.#complain(`${away.join(', ')} cannot be reached: look whether they run`);
    }
    if (reached.filter(Boolean).length < quorumOf(spec)) {
      return this.#complain('too few of the nodes can be reached: bring them back first');
    }
    this.#wanted = false;
    this.#view.change((view) => withLayout(view, spec));
    this.#logger.info({ nodes: spec.nodes }, 'the session cache moves to other nodes');
  }

  /** Whether nothing is to be proposed; decides so for good. */
  #isThereAlready(spec: LayoutSpec): boolean {
    const target = this.#view.arrangement.written.at(-1)!;
    const isPast = [...this.#view.current.layouts.values()].some((one) => isSameSpec(one, spec));
    const isThere = isSameSpec(target, spec);
    // A gateway that is merely started with what the others have left behind must not undo that.
    if (!isThere && (this.#insistent || !isPast)) return false;
    this.#wanted = false;
    this.#view.known.alsoConnect([]);
    if (!isThere) {
      const remedy = 'write the same nodes for every gateway; SIGHUP after a change moves to them';
      this.#logger.warn(
        { configured: spec.nodes, used: target.nodes, remedy },
        'MEMCACHED_SERVERS is not what the gateways have moved to: theirs is used',
      );
    }
    return true;
  }

  /** Puts the view on a node that no layout has; whether it is there. */
  async #putView(address: string): Promise<boolean> {
    const control = this.#view.known.members.find((member) => member.address === address)?.node
      .control;
    if (control === undefined) return false;
    try {
      const item = await control.fetch(VIEW_KEY);
      const found = item && decodeView(item.value);
      if (found && isOfCluster(this.#view.current, found)) return true;
      const document = encodeView(this.#view.current);
      if (item === undefined) return await control.store('add', VIEW_KEY, document, 0, 0);
      // The node was one of another cluster, and this one is told to have it.
      return (await control.cas(VIEW_KEY, document, item.cas, 0, 0)) === 'STORED';
    } catch {
      return false;
    }
  }

  #isReached(address: string): boolean {
    const member = this.#view.known.members.find((one) => one.address === address);
    return member?.contact.reachableSince !== undefined;
  }

  #isFull(layout: Layout): boolean {
    return layout.nodes.every((node) => {
      const place = this.#view.place(node, [layout]);
      return place.entry.state === 'full' && this.#view.isSettled(place);
    });
  }

  #readOnly(target: Layout): void {
    const { read } = this.#view.arrangement;
    const isAlone = read.every((layout) => layout === target || layout.rank < target.rank);
    this.#view.change((view) =>
      isAlone ? { ...view, read: target.rank } : withLayout(view, target),
    );
  }

  /** Tells why it cannot go on, once. */
  #complain(reason: string): void {
    if (reason === this.#complaint) return;
    this.#complaint = reason;
    this.#logger.error(
      { nodes: this.#spec.nodes, reason },
      'the session cache stays with its nodes until it can move to the new ones',
    );
  }
}
