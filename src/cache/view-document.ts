import { byRank, type Layout, type LayoutSpec, layoutOf } from './layout.ts';

/**
 * What a node holds of the items that it is to hold: all that was acknowledged (`full`), all that
 * was written since a certain moment and some of what is older (`refilling`), or anything, old
 * values and deleted ones among it (`behind`).
 */
export type CopyState = 'full' | 'refilling' | 'behind';

/** What a node holds of a layout's items. No record is `behind`. */
export interface CopyRecord {
  /** The node's losses when it was written: with the next loss it is void. */
  readonly at: number;
  readonly state: 'refilling' | 'full';
  /** When the state began, in ms of unix time by the clock of the gateway that made it. */
  readonly since: number;
}

export interface NodeRecord {
  /** How often the node has been given up, its first appearance included. Only grows. */
  readonly losses: number;
  /** When the last loss was. */
  readonly since: number;
  /** By the id of the layout. */
  readonly copies: ReadonlyMap<string, CopyRecord>;
}

/** What gateways know together. Every part only grows, so that what is merged is never taken back. */
export interface View {
  /** By id. Those that are no longer written are the history. */
  readonly layouts: ReadonlyMap<string, Layout>;
  /** Layouts from this rank on are read, and from `write` on written, which is at most `read`. */
  readonly read: number;
  readonly write: number;
  /** By address. */
  readonly nodes: ReadonlyMap<string, NodeRecord>;
}

/** The state of a node for items of certain layouts. */
export interface Entry {
  /** The node's losses. */
  readonly epoch: number;
  readonly state: CopyState;
  readonly since: number;
}

export const EMPTY_VIEW: View = { layouts: new Map(), read: 0, write: 0, nodes: new Map() };

/** What is taken for true of a node that no document speaks of: it has just been added. */
export const UNKNOWN_ENTRY: Entry = { epoch: 0, state: 'behind', since: 0 };

/** In a node's life between two losses, one state follows the other. */
const PROGRESS: Record<CopyState, number> = { behind: 0, refilling: 1, full: 2 };

/** So many ranks of layouts that are no longer written are remembered. */
const HISTORY = 8;

/**
 * The view of a cluster that the cache has never served: every node is believed. What the nodes hold
 * (`populated`) the dashboards' own client has put on the first owner alone. They then begin with one
 * copy of each item and move on to the spec, or the first moment without an owner would lose what was
 * never copied. Both views have the same layouts, so that gateways which find different things begin
 * one cluster.
 */
export function initialView(spec: LayoutSpec, unixMs: number, populated = false): View {
  const single = layoutOf(1, { ...spec, copies: 1 });
  const wanted = spec.copies === 1 ? single : layoutOf(2, spec);
  const believed = populated ? single : wanted;
  const copies = new Map([[believed.id, { at: 1, state: 'full', since: unixMs } as const]]);
  return {
    layouts: new Map([single, wanted].map((layout) => [layout.id, layout])),
    read: believed.rank,
    write: believed.rank,
    nodes: new Map(spec.nodes.map((node) => [node, { losses: 1, since: unixMs, copies }])),
  };
}

/** The layouts that are written to, the one that is moved to last. */
export function writtenLayouts({ layouts, write }: View): Layout[] {
  return [...layouts.values()].filter(({ rank }) => rank >= write).sort(byRank);
}

/** The best that a node is of these layouts: a key that belongs there by one of them is there. */
export function entryOf(view: View, address: string, layouts: readonly Layout[]): Entry {
  const record = view.nodes.get(address);
  if (record === undefined) return UNKNOWN_ENTRY;
  let best: Entry = { epoch: record.losses, state: 'behind', since: record.since };
  for (const { id } of layouts) {
    const copy = record.copies.get(id);
    if (copy?.at !== record.losses || PROGRESS[copy.state] <= PROGRESS[best.state]) continue;
    best = { epoch: record.losses, state: copy.state, since: copy.since };
  }
  return best;
}

/** Whether a node was never written to by any of these layouts. */
export function isUntouched(view: View, address: string, layouts: readonly Layout[]): boolean {
  const copies = view.nodes.get(address)?.copies;
  return layouts.every(({ id }) => !copies?.has(id));
}

/** Whether `a` is of the state that `b` is of, or of a later one. When it began is not compared. */
export function reaches(a: Entry, b: Entry): boolean {
  return a.epoch !== b.epoch ? a.epoch > b.epoch : PROGRESS[a.state] >= PROGRESS[b.state];
}

/** The view with a node given up: whatever was known of it is void. */
export function withLoss(view: View, address: string, unixMs: number): View {
  const record = view.nodes.get(address);
  const losses = (record?.losses ?? 0) + 1;
  const copies = record?.copies ?? new Map();
  const nodes = new Map(view.nodes).set(address, { losses, since: unixMs, copies });
  return { ...view, nodes };
}

/** The view with what a node holds of these layouts, between its last loss and the next. */
export function withCopies(
  view: View,
  address: string,
  layouts: readonly Layout[],
  state: CopyRecord['state'],
  unixMs: number,
): View {
  const record = view.nodes.get(address);
  if (record === undefined) return view;
  const copies = new Map(record.copies);
  for (const { id } of layouts) {
    const copy = { at: record.losses, state, since: unixMs };
    copies.set(id, later(copies.get(id), copy, isLaterCopy)!);
  }
  return { ...view, nodes: new Map(view.nodes).set(address, { ...record, copies }) };
}

/** The view with another layout to move to. */
export function withLayout(view: View, spec: LayoutSpec): View {
  const rank = Math.max(0, ...[...view.layouts.values()].map((layout) => layout.rank)) + 1;
  const layout = layoutOf(rank, spec);
  return { ...view, layouts: new Map(view.layouts).set(layout.id, layout) };
}

/** Whether two views are of the same cluster: one has grown out of the other, or both of a third. */
export function areRelated(a: View, b: View): boolean {
  if (a.layouts.size === 0 || b.layouts.size === 0) return true;
  for (const id of a.layouts.keys()) if (b.layouts.has(id)) return true;
  return false;
}

/** Whether `a` says at least what `b` says. When states began is not compared. */
export function covers(a: View, b: View): boolean {
  return says(a, b, false);
}

/**
 * The least view that says what both say: of each node the later state, and of equal ones which
 * began first; all layouts but those long past. Commutative, associative and idempotent, so that
 * gateways which merge in any order agree. `a` itself where it says it all.
 */
export function mergeViews(a: View, b: View): View {
  if (says(a, b, true)) return a;
  const read = Math.max(a.read, b.read);
  const write = Math.max(a.write, b.write);
  const all = [...b.layouts, ...a.layouts];
  const layouts = new Map(all.filter(([, { rank }]) => isRemembered(rank, write)));
  const nodes = new Map<string, NodeRecord>();
  for (const address of new Set([...a.nodes.keys(), ...b.nodes.keys()])) {
    const [ours, theirs] = [a.nodes.get(address), b.nodes.get(address)];
    const { losses, since } = later(ours, theirs, isLaterLoss)!;
    const copies = new Map<string, CopyRecord>();
    for (const { id, rank } of layouts.values()) {
      const copy = later(ours?.copies.get(id), theirs?.copies.get(id), isLaterCopy);
      if (rank >= write && copy !== undefined) copies.set(id, copy);
    }
    nodes.set(address, { losses, since, copies });
  }
  return { layouts, read, write, nodes };
}

/** Whether there is nothing in `b` that is not in `a`; `exactly`: no earlier beginning either. */
function says(a: View, b: View, exactly: boolean): boolean {
  if (b.read > a.read || b.write > a.write) return false;
  for (const { id, rank } of b.layouts.values()) {
    if (isRemembered(rank, a.write) && !a.layouts.has(id)) return false;
  }
  for (const [address, theirs] of b.nodes) {
    const ours = a.nodes.get(address);
    if (ours === undefined || isLaterLoss(theirs, ours, exactly)) return false;
    for (const [id, copy] of theirs.copies) {
      const layout = a.layouts.get(id);
      if (layout === undefined || layout.rank < a.write) continue;
      const ourCopy = ours.copies.get(id);
      if (ourCopy === undefined || isLaterCopy(copy, ourCopy, exactly)) return false;
    }
  }
  return true;
}

function isRemembered(rank: number, write: number): boolean {
  return rank >= write - HISTORY;
}

function later<T>(
  a: T | undefined,
  b: T | undefined,
  isLater: (a: T, b: T, exactly: boolean) => boolean,
): T | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return isLater(b, a, true) ? b : a;
}

function isLaterLoss(a: NodeRecord, b: NodeRecord, exactly: boolean): boolean {
  if (a.losses !== b.losses) return a.losses > b.losses;
  return exactly && a.since < b.since;
}

function isLaterCopy(a: CopyRecord, b: CopyRecord, exactly: boolean): boolean {
  if (a.at !== b.at) return a.at > b.at;
  if (a.state !== b.state) return PROGRESS[a.state] > PROGRESS[b.state];
  return exactly && a.since < b.since;
}
