import { messageOf } from '../errors.ts';
import type { NodeFacts } from './cache-node.ts';
import type { Clock } from './clock.ts';
import type { Member } from './members.ts';
import type { Mover, MoveState } from './mover.ts';
import type { NodeCounters, NodeCounts } from './node-counters.ts';
import type { Refiller } from './refiller.ts';
import type { SharedView } from './shared-view.ts';
import type { CopyState } from './view-document.ts';

/** What is known of one node, for people and metrics. */
export interface NodeHealth {
  readonly node: string;
  readonly state: CopyState;
  /** When that state began, in ms of unix time. */
  readonly since: number;
  /** Why, where this gateway found it out. */
  readonly reason: string | undefined;
  readonly reachable: boolean;
  /** Why it is not reachable. */
  readonly error: string | undefined;
  /** What the node last told of itself. */
  readonly facts: NodeFacts | undefined;
  /** What this gateway has asked of it, and how that went. */
  readonly counts: NodeCounts;
  /** How far this gateway has come with refilling it. */
  readonly refill:
    | { readonly keys: number; readonly copied: number; readonly removed: number }
    | undefined;
}

export interface CacheHealth {
  /** Whether this gateway has read the view from a majority just now. */
  readonly sure: boolean;
  readonly nodes: readonly NodeHealth[];
  /** Which nodes are exchanged for which, while they are. */
  readonly move: MoveState | undefined;
}

const FACTS_EVERY_MS = 10_000;

/** Asks the nodes about themselves from time to time, and puts together what is known of them. */
export class HealthMonitor {
  readonly #view: SharedView;
  readonly #refiller: Refiller;
  readonly #mover: Mover;
  readonly #counters: NodeCounters;
  readonly #clock: Clock;
  readonly #facts = new Map<string, NodeFacts>();
  readonly #errors = new Map<string, string>();
  readonly #reasons = new Map<string, string | undefined>();
  #cancel: (() => void) | undefined;

  constructor(parts: {
    readonly view: SharedView;
    readonly refiller: Refiller;
    readonly mover: Mover;
    readonly counters: NodeCounters;
    readonly clock: Clock;
  }) {
    this.#view = parts.view;
    this.#refiller = parts.refiller;
    this.#mover = parts.mover;
    this.#counters = parts.counters;
    this.#clock = parts.clock;
  }

  start(): void {
    for (const { address, node } of this.#view.known.members) {
      node.facts().then(
        (facts) => {
          this.#facts.set(address, facts);
          this.#errors.delete(address);
        },
        (error) => this.#errors.set(address, messageOf(error)),
      );
    }
    this.#cancel = this.#clock.after(FACTS_EVERY_MS, () => this.start());
  }

  close(): void {
    this.#cancel?.();
  }

  /** Takes note of why a node changed state. */
  note(node: string, reason: string | undefined): void {
    this.#reasons.set(node, reason);
  }

  read(): CacheHealth {
    const { written } = this.#view.arrangement;
    const nodes = this.#view.known.members
      .filter(({ address }) => written.some((layout) => layout.nodes.includes(address)))
      .map((member) => this.#healthOf(member));
    return { sure: this.#view.holds(), nodes, move: this.#mover.state };
  }

  #healthOf({ address, contact }: Member): NodeHealth {
    const { progress } = this.#refiller;
    const { state, since } = this.#view.known.summary(address);
    return {
      node: address,
      // Until every gateway knows, the next loss may come too early.
      state: state === 'full' && !this.#view.isAllSettled(address) ? 'refilling' : state,
      since,
      reason: this.#reasons.get(address),
      reachable: contact.reachableSince !== undefined,
      error: contact.error ?? this.#errors.get(address),
      facts: this.#facts.get(address),
      counts: this.#counters.read(address),
      refill: progress?.node === address ? { ...progress } : undefined,
    };
  }
}
