import type { NodeAddress } from '../memcached/node-address.ts';
import {
  createPlacement,
  type NodeOrder,
  PLACEMENTS,
  type Placement,
} from '../memcached/placement.ts';

/** Session keys, each with the indices of the nodes that have it. */
export type Holders = ReadonlyMap<string, readonly number[]>;

/** How well a placement says where sessions are. */
export interface Fit {
  /** Of the sessions whose first node has told its keys, the share that is there. */
  readonly share: number;
  /** Whether that is much more than chance would make it. */
  readonly fits: boolean;
}

/** A placement with its list of nodes, as it would be configured. */
export interface Layout {
  readonly placement: Placement;
  readonly nodes: readonly NodeAddress[];
  readonly fit: Fit;
}

/** Placements that go by the place of a node in the list, not by its name. */
const BY_ORDER: readonly Placement[] = ['python-memcached', 'pylibmc'];
/** Nodes whose orders are all tried: 120 orders of five. */
const MAX_ORDERED = 5;
/** Sessions by which an order is judged. */
const MAX_JUDGED = 200;

/**
 * How well a placement fits.
 * @param told the nodes that have told their keys, as indices
 */
export function fitOf(orderOf: NodeOrder, holders: Holders, told: ReadonlySet<number>): Fit {
  let judged = 0;
  let hits = 0;
  let copies = 0;
  for (const [key, nodes] of holders) {
    const first = orderOf(key)[0]!;
    if (!told.has(first)) continue;
    judged += 1;
    copies += nodes.length;
    if (nodes.includes(first)) hits += 1;
  }
  if (judged === 0) return { share: 0, fits: false };
  const share = hits / judged;
  const chance = Math.min(1, copies / judged / told.size);
  return { share, fits: share - chance >= (1 - chance) / 2 };
}

/**
 * The placement that fits best, in the configured order of nodes or, where none does, in the order
 * that fits best; undefined where nothing fits.
 */
export function bestLayout(
  nodes: readonly NodeAddress[],
  holders: Holders,
  told: ReadonlySet<number>,
): Layout | undefined {
  const layouts = PLACEMENTS.map((placement) => layoutOf(placement, nodes, holders, told));
  return best(layouts) ?? bestOrder(nodes, holders, told);
}

function bestOrder(
  nodes: readonly NodeAddress[],
  holders: Holders,
  told: ReadonlySet<number>,
): Layout | undefined {
  if (nodes.length > MAX_ORDERED) return undefined;
  const some = [...holders].slice(0, MAX_JUDGED);
  const layouts = ordersOf([...nodes.keys()]).flatMap((order) => {
    const placeOf = new Map(order.map((node, place) => [node, place]));
    const moved = new Map(some.map(([key, held]) => [key, held.map((node) => placeOf.get(node)!)]));
    const ordered = order.map((node) => nodes[node]!);
    const tellers = new Set([...told].map((node) => placeOf.get(node)!));
    return BY_ORDER.map((placement) => layoutOf(placement, ordered, moved, tellers));
  });
  return best(layouts);
}

function layoutOf(
  placement: Placement,
  nodes: readonly NodeAddress[],
  holders: Holders,
  told: ReadonlySet<number>,
): Layout {
  return { placement, nodes, fit: fitOf(createPlacement(placement, nodes), holders, told) };
}

function best(layouts: readonly Layout[]): Layout | undefined {
  const [first] = layouts.filter(({ fit }) => fit.fits).sort((a, b) => b.fit.share - a.fit.share);
  return first;
}

function ordersOf(items: readonly number[]): number[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item) =>
    ordersOf(items.filter((other) => other !== item)).map((rest) => [item, ...rest]),
  );
}
