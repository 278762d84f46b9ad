import { areRelated, covers, mergeViews, type View } from './view-document.ts';
import { decodeView, encodeView } from './view-encoding.ts';

/**
 * How far the counts of two views of one cluster may be apart. A million losses that one gateway has not
 * heard of are years; beyond that somebody has made them up, to bring them to where they cannot grow.
 */
const MAX_APART = 1_000_000;

/**
 * Whether a document may be taken into a view: it is of the same cluster, its counts can have grown
 * there, and what the two say together is a document again, which others can read. One node that
 * lies could otherwise have all gateways write what none of them can read any more, for good.
 */
export function isOfCluster(known: View, document: View): boolean {
  if (!areRelated(known, document) || areApart(known, document)) return false;
  if (known.layouts.size === 0 || covers(known, document)) return true;
  return decodeView(encodeView(mergeViews(known, document))) !== undefined;
}

/** As `isOfCluster`, with what was found last remembered of each document: it is asked often. */
export class Kinship {
  readonly #found = new WeakMap<View, { readonly known: View; readonly holds: boolean }>();

  isOurs(known: View, document: View): boolean {
    const found = this.#found.get(document);
    if (found?.known === known) return found.holds;
    const holds = isOfCluster(known, document);
    this.#found.set(document, { known, holds });
    return holds;
  }
}

function areApart(a: View, b: View): boolean {
  if (a.layouts.size === 0 || b.layouts.size === 0) return false;
  if (Math.abs(highestRank(a) - highestRank(b)) > MAX_APART) return true;
  for (const address of new Set([...a.nodes.keys(), ...b.nodes.keys()])) {
    const losses = ({ nodes }: View) => nodes.get(address)?.losses ?? 0;
    if (Math.abs(losses(a) - losses(b)) > MAX_APART) return true;
  }
  return false;
}

function highestRank({ layouts }: View): number {
  let highest = 0;
  for (const { rank } of layouts.values()) highest = Math.max(highest, rank);
  return highest;
}
