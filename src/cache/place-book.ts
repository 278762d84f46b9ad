import type { Arrangement, Layout } from './layout.ts';
import type { Member } from './members.ts';
import { NEVER, Place } from './place.ts';
import { type Entry, entryOf, isUntouched, UNKNOWN_ENTRY, type View } from './view-document.ts';

/** Told of a node's state, and why, where that is known. */
export type OnEntry = (node: string, entry: Entry, reason: string | undefined) => void;

/** The places that are in use, with what is known of each. */
export class PlaceBook {
  readonly #onEntry: OnEntry | undefined;
  readonly #places = new Map<string, Place>();
  /** Of each node as a whole, as it was told. */
  readonly #summaries = new Map<string, Entry>();

  constructor(onEntry: OnEntry | undefined) {
    this.#onEntry = onEntry;
  }

  get all(): readonly Place[] {
    return [...this.#places.values()];
  }

  /** The one place of a node and layouts. */
  get(view: View, member: Member, layouts: readonly Layout[]): Place {
    const name = [member.address, ...layouts.map(({ id }) => id)].join('\n');
    const known = this.#places.get(name);
    if (known !== undefined) return known;
    const place = new Place(member, layouts);
    this.#places.set(name, place);
    note(view, place);
    if (layouts.length > 1) {
      const parts = layouts.map((layout) => this.get(view, member, [layout]));
      const same = parts.filter(({ entry }) => isSame(entry, place.entry));
      const times = same.map(({ establishedAt }) => establishedAt);
      // It is more than behind by any of them, and behind by all of them.
      place.establishedAt =
        place.entry.state === 'behind' ? Math.max(...times) : Math.min(...times);
    }
    return place;
  }

  entryIn(view: View, { member, layouts }: Place): Entry {
    return entryOf(view, member.address, layouts);
  }

  summary(view: View, address: string, { written, read }: Arrangement): Entry {
    const owning = (layouts: readonly Layout[]) =>
      layouts.filter(({ nodes }) => nodes.includes(address));
    const layouts = owning(read).length > 0 ? owning(read) : owning(written);
    const entries = layouts.map((layout) => entryOf(view, address, [layout]));
    const rank = { behind: 0, refilling: 1, full: 2 };
    return entries.sort((a, b) => rank[a.state] - rank[b.state])[0] ?? UNKNOWN_ENTRY;
  }

  /** Brings every place up to a view; whoever still holds one that is no more finds it behind. */
  update(view: View, arrangement: Arrangement, reason: string | undefined): void {
    const { written } = arrangement;
    for (const [name, place] of this.#places) {
      if (place.layouts.every(({ id }) => written.some((layout) => layout.id === id))) {
        if (!isSame(place.entry, entryOf(view, place.member.address, place.layouts))) {
          note(view, place);
        }
        continue;
      }
      this.#places.delete(name);
      place.entry = UNKNOWN_ENTRY;
      place.establishedAt = Number.NEGATIVE_INFINITY;
    }
    for (const address of new Set(written.flatMap(({ nodes }) => nodes))) {
      const entry = this.summary(view, address, arrangement);
      const before = this.#summaries.get(address);
      if (before !== undefined && isSame(before, entry)) continue;
      this.#summaries.set(address, entry);
      this.#onEntry?.(address, entry, reason);
    }
  }
}

function note(view: View, place: Place): void {
  const { address } = place.member;
  place.entry = entryOf(view, address, place.layouts);
  // Nobody can have believed what nobody has ever written to.
  const untouched = isUntouched(view, address, place.layouts);
  place.establishedAt = untouched ? Number.NEGATIVE_INFINITY : NEVER;
}

function isSame(a: Entry, b: Entry): boolean {
  return a.epoch === b.epoch && a.state === b.state;
}
