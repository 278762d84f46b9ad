/**
 * What a node holds of the items that it is to hold: all that was acknowledged (`full`), all that
 * was written since a certain moment and some of what is older (`refilling`), or anything, old
 * values and deleted ones among it (`behind`).
 */
export type CopyState = 'full' | 'refilling' | 'behind';

export interface Entry {
  /** Grows by one with each change of state. */
  readonly epoch: number;
  readonly state: CopyState;
  /** When the change was made, in ms of unix time by the clock of the gateway that made it. */
  readonly since: number;
}

/** What is known of each node, by its address. */
export type View = ReadonlyMap<string, Entry>;

/** What is taken for true of a node that no document speaks of: it has just been added. */
export const UNKNOWN_ENTRY: Entry = { epoch: 0, state: 'behind', since: 0 };

/** At equal epochs the more cautious state wins. */
const CAUTION: Record<CopyState, number> = { full: 0, refilling: 1, behind: 2 };
const FORMAT = 1;
/** Far more nodes than a cluster has: bounds what a foreign document can make a gateway keep. */
const MAX_ENTRIES = 256;

/** The view of a cluster that the cache has never served: every node is believed. */
export function initialView(addresses: readonly string[], unixMs: number): View {
  return new Map(addresses.map((node) => [node, { epoch: 1, state: 'full', since: unixMs }]));
}

/** The entry that follows `entry`. */
export function nextEntry(entry: Entry, state: CopyState, unixMs: number): Entry {
  return { epoch: entry.epoch + 1, state, since: unixMs };
}

/** Whether `a` is of the state that `b` is of, or of a later one. When it began is not compared. */
export function reaches(a: Entry | undefined, b: Entry): boolean {
  if (a === undefined) return false;
  if (a.epoch !== b.epoch) return a.epoch > b.epoch;
  return CAUTION[a.state] >= CAUTION[b.state];
}

/** Whether `a` says of every node at least what `b` says. */
export function covers(a: View, b: View): boolean {
  for (const [node, entry] of b) if (!reaches(a.get(node), entry)) return false;
  return true;
}

/**
 * The least view that says what both say: the later entry of each node, and of equal ones that
 * which began first. Commutative, associative and idempotent, so that gateways which merge in any
 * order agree. `a` itself where it says it all, and always the entries of `a` where they do.
 */
export function mergeViews(a: View, b: View): View {
  let merged: Map<string, Entry> | undefined;
  for (const [node, theirs] of b) {
    const ours = a.get(node);
    if (ours !== undefined && reaches(ours, theirs)) {
      if (!reaches(theirs, ours) || ours.since <= theirs.since) continue;
    }
    merged ??= new Map(a);
    merged.set(node, theirs);
  }
  return merged ?? a;
}

/** The document of a view, as it is kept on every node. */
export function encodeView(view: View): Buffer {
  const nodes = [...view].map(([node, { epoch, state, since }]) => [node, epoch, state, since]);
  return Buffer.from(JSON.stringify({ dashgate: FORMAT, nodes }));
}

/** The view of a document; undefined for what is none. */
export function decodeView(document: Buffer): View | undefined {
  try {
    const { dashgate, nodes } = JSON.parse(document.toString());
    if (dashgate !== FORMAT || !Array.isArray(nodes) || nodes.length > MAX_ENTRIES)
      return undefined;
    const entries = nodes.map(decodeEntry);
    return entries.every((entry) => entry !== undefined) ? new Map(entries) : undefined;
  } catch {
    return undefined;
  }
}

function decodeEntry(row: unknown): [string, Entry] | undefined {
  if (!Array.isArray(row)) return undefined;
  const [node, epoch, state, since] = row;
  if (typeof node !== 'string' || typeof state !== 'string' || !Object.hasOwn(CAUTION, state)) {
    return undefined;
  }
  if (!Number.isSafeInteger(epoch) || epoch < 1 || !Number.isSafeInteger(since)) return undefined;
  return [node, { epoch, state: state as CopyState, since }];
}
