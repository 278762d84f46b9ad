import type { RequestCounts } from '../memcached/connection.ts';

/** What a gateway has asked of one node since it started, apart from looking after it. */
export type NodeCounts = Readonly<RequestCounts>;

/** The counts of each node; they go on when a node is let go and taken again. */
export class NodeCounters {
  readonly #counts = new Map<string, RequestCounts>();

  /** What is counted into. */
  of(node: string): RequestCounts {
    const known = this.#counts.get(node);
    if (known !== undefined) return known;
    const counts = { operations: 0, failures: 0, latencyMs: 0 };
    this.#counts.set(node, counts);
    return counts;
  }

  read(node: string): NodeCounts {
    return { ...this.of(node) };
  }
}
