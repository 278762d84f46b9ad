import type { CacheNode } from './cache-node.ts';
import type { CacheTiming } from './cache-timing.ts';
import type { Clock } from './clock.ts';
import type { Entry } from './view-document.ts';

/** What reading and writing need of the shared view. */
export interface ViewOfNodes {
  entry(node: number): Entry;
  holds(): boolean;
  refresh(): Promise<boolean>;
  isSettled(node: number): boolean;
  settled(node: number): Promise<boolean>;
  advance(node: number, from: Entry, state: Entry['state'], reason?: string): Entry | undefined;
}

/**
 * What to do where the guarantee cannot be kept: no majority of the nodes can be read, or no full
 * owner answers. `serve` goes on with what is at hand; `refuse` rejects.
 */
export type WhenUnsure = 'serve' | 'refuse';

/** The nodes, and which of them hold what. */
export interface Replicas {
  readonly nodes: readonly CacheNode[];
  readonly view: ViewOfNodes;
  readonly clock: Clock;
  readonly timing: CacheTiming;
  readonly whenUnsure: WhenUnsure;
  /** The nodes that are to hold a key, by index, in the order of the dashboards' placement. */
  readonly ownersOf: (key: string) => readonly number[];
}

/** Rounds of one command: each is caused by a node that changed state in the one before. */
export const MAX_ROUNDS = 4;

/** Whether the nodes are still in the states that they were seen in. */
export function areUnchanged(
  view: ViewOfNodes,
  nodes: readonly number[],
  entries: readonly Entry[],
): boolean {
  return nodes.every((node, position) => view.entry(node) === entries[position]);
}
