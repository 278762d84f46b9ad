import { messageOf } from '../errors.ts';
import type { CacheNode, NodeFacts } from './cache-node.ts';
import type { Clock } from './clock.ts';
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
  /** How far this gateway has come with refilling it. */
  readonly refill:
    | { readonly keys: number; readonly copied: number; readonly removed: number }
    | undefined;
}

export interface CacheHealth {
  /** Whether this gateway has read the view from a majority just now. */
  readonly sure: boolean;
  readonly nodes: readonly NodeHealth[];
}

const FACTS_EVERY_MS = 10_000;

/** Asks the nodes about themselves from time to time, and puts together what is known of them. */
export class HealthMonitor {
  readonly #nodes: readonly CacheNode[];
  readonly #view: SharedView;
  readonly #refiller: Refiller;
  readonly #clock: Clock;
  readonly #facts = new Map<number, NodeFacts>();
  readonly #errors = new Map<number, string>();
  readonly #reasons = new Map<number, string | undefined>();
  #cancel: (() => void) | undefined;

  constructor(nodes: readonly CacheNode[], view: SharedView, refiller: Refiller, clock: Clock) {
    this.#nodes = nodes;
    this.#view = view;
    this.#refiller = refiller;
    this.#clock = clock;
  }

  start(): void {
    for (const [index, node] of this.#nodes.entries()) {
      node.facts().then(
        (facts) => {
          this.#facts.set(index, facts);
          this.#errors.delete(index);
        },
        (error) => this.#errors.set(index, messageOf(error)),
      );
    }
    this.#cancel = this.#clock.after(FACTS_EVERY_MS, () => this.start());
  }

  close(): void {
    this.#cancel?.();
  }

  /** Takes note of why a node changed state. */
  note(node: number, reason: string | undefined): void {
    this.#reasons.set(node, reason);
  }

  read(): CacheHealth {
    const { progress } = this.#refiller;
    const nodes = this.#nodes.map(({ address }, node): NodeHealth => {
      const { state, since } = this.#view.entry(node);
      const { reachableSince, error } = this.#view.contact(node);
      return {
        node: address,
        // Until every gateway knows, the next loss may come too early.
        state: state === 'full' && !this.#view.isSettled(node) ? 'refilling' : state,
        since,
        reason: this.#reasons.get(node),
        reachable: reachableSince !== undefined,
        error: error ?? this.#errors.get(node),
        facts: this.#facts.get(node),
        refill: progress?.node === node ? { ...progress } : undefined,
      };
    });
    return { sure: this.#view.holds(), nodes };
  }
}
