import { parseNodes } from '../memcached/node-address.ts';
import { PLACEMENTS, type Placement } from '../memcached/placement.ts';

/** Which nodes there are, and which of them are to hold a key. */
export interface LayoutSpec {
  /** In the order of the dashboards' `LOCATION` before the cache. */
  readonly nodes: readonly string[];
  /** The dashboards' client library before the cache. */
  readonly placement: Placement;
  /** On how many nodes each item is kept. */
  readonly copies: number;
}

/** A spec that gateways have agreed on, or are about to. */
export interface Layout extends LayoutSpec {
  /** Grows with each change: the layout of the highest rank is the one that is moved to. */
  readonly rank: number;
  /** Says it all, so that two gateways which propose the same propose one thing. */
  readonly id: string;
}

/** The layouts in force. The same object as long as they are. */
export interface Arrangement {
  /** Every item is written to where each of these has it; the one that is moved to is the last. */
  readonly written: readonly Layout[];
  /** Those of them that are read from. */
  readonly read: readonly Layout[];
}

const MAX_COPIES = 3;
const MAX_NODES = 16;

/**
 * A spec with its nodes in their one form, and no more copies than nodes. Throws an Error that names
 * the value and the remedy for what cannot be.
 */
export function checkedSpec({ nodes, placement, copies }: LayoutSpec): LayoutSpec {
  const addresses = parseNodes(nodes).map(({ text }) => text);
  if (addresses.length > MAX_NODES) {
    throw new Error(
      `${addresses.length} memcached nodes are named: at most ${MAX_NODES} can be used`,
    );
  }
  if (!Number.isInteger(copies) || copies < 1 || copies > MAX_COPIES) {
    throw new Error(`${copies} copies of each item cannot be kept: choose 1, 2 or 3`);
  }
  if (!PLACEMENTS.includes(placement)) throw new Error(`there is no placement "${placement}"`);
  return { nodes: addresses, placement, copies: Math.min(copies, addresses.length) };
}

/** The layout of a spec; addresses and placements have no blanks. */
export function layoutOf(rank: number, { nodes, placement, copies }: LayoutSpec): Layout {
  const id = [rank, placement, copies, ...nodes].join(' ');
  return { nodes, placement, copies, rank, id };
}

export function isSameSpec(a: LayoutSpec, b: LayoutSpec): boolean {
  return layoutOf(0, a).id === layoutOf(0, b).id;
}

/** The order of layouts, the one that is moved to last; of equal ranks, which need not be, by id. */
export function byRank(a: Layout, b: Layout): number {
  return a.rank - b.rank || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/** How many nodes of a layout are a majority; of one or two a single one. */
export function quorumOf({ nodes }: LayoutSpec): number {
  return nodes.length <= 2 ? 1 : Math.floor(nodes.length / 2) + 1;
}
