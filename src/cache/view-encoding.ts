import { checkedSpec, type Layout, layoutOf } from './layout.ts';
import type { CopyRecord, NodeRecord, View } from './view-document.ts';

const FORMAT = 2;
/** Far more than a cluster has: bounds what a foreign document can make a gateway keep. */
const MAX_LAYOUTS = 64;
const MAX_NODES = 512;
const MAX_BYTES = 262_144;
/** A name of 253 characters, brackets, a zone and a port. */
const MAX_ADDRESS = 300;
/** The last moment that a Date can hold, in ms of unix time. */
const LAST_MOMENT = 8_640_000_000_000_000;

/** The document of a view, as it is kept on every node. */
export function encodeView({ layouts, read, write, nodes }: View): Buffer {
  const ids = [...layouts.keys()];
  const document = {
    dashgate: FORMAT,
    read,
    write,
    layouts: [...layouts.values()].map((one) => [one.rank, one.placement, one.copies, one.nodes]),
    nodes: [...nodes].map(([address, { losses, since, copies }]) => [
      address,
      losses,
      since,
      [...copies].map(([id, copy]) => [ids.indexOf(id), copy.at, copy.state, copy.since]),
    ]),
  };
  return Buffer.from(JSON.stringify(document));
}

/** The view of a document; undefined for what is none. */
export function decodeView(document: Buffer): View | undefined {
  if (document.length > MAX_BYTES) return undefined;
  try {
    const { dashgate, read, write, layouts, nodes } = JSON.parse(document.toString());
    if (dashgate !== FORMAT) return undefined;
    const known = listOf(layouts, MAX_LAYOUTS).map(decodeLayout);
    // There always is a layout to read by, and what is read is written as well.
    const highest = Math.max(...known.map(({ rank }) => rank));
    return {
      read: whole(read, 0, highest),
      write: whole(write, 0, read),
      layouts: new Map(known.map((layout) => [layout.id, layout])),
      nodes: new Map(listOf(nodes, MAX_NODES).map((row) => decodeNode(row, known))),
    };
  } catch {
    return undefined;
  }
}

class NoView extends Error {}

function decodeLayout(row: unknown): Layout {
  const [rank, placement, copies, nodes] = listOf(row, 4) as [number, never, number, string[]];
  if (nodes.some(({ length }) => length > MAX_ADDRESS)) throw new NoView();
  return layoutOf(whole(rank, 1), checkedSpec({ nodes, placement, copies }));
}

function decodeNode(row: unknown, layouts: readonly Layout[]): [string, NodeRecord] {
  const [address, losses, since, copies] = listOf(row, 4);
  if (typeof address !== 'string' || address.length > MAX_ADDRESS) throw new NoView();
  const rows = listOf(copies, MAX_LAYOUTS).map((copy) => decodeCopy(copy, layouts));
  return [
    address,
    { losses: whole(losses, 1), since: whole(since, 0, LAST_MOMENT), copies: new Map(rows) },
  ];
}

function decodeCopy(row: unknown, layouts: readonly Layout[]): [string, CopyRecord] {
  const [index, at, state, since] = listOf(row, 4);
  const layout = layouts[whole(index, 0)];
  if (layout === undefined || (state !== 'full' && state !== 'refilling')) throw new NoView();
  return [layout.id, { at: whole(at, 1), state, since: whole(since, 0, LAST_MOMENT) }];
}

function listOf(value: unknown, most: number): unknown[] {
  if (!Array.isArray(value) || value.length > most) throw new NoView();
  return value;
}

function whole(value: unknown, least: number, most = Number.MAX_SAFE_INTEGER): number {
  if (!Number.isSafeInteger(value)) throw new NoView();
  const number = value as number;
  if (number < least || number > most) throw new NoView();
  return number;
}
