import type { CacheNode } from './cache-node.ts';
import { type Arrangement, type Layout, type LayoutSpec, layoutOf } from './layout.ts';
import { type Member, Members } from './members.ts';
import { NEVER, type Place } from './place.ts';
import { type OnEntry, PlaceBook } from './place-book.ts';
import {
  EMPTY_VIEW,
  type Entry,
  mergeViews,
  reaches,
  type View,
  writtenLayouts,
} from './view-document.ts';
import type { ViewReading } from './view-reading.ts';

export interface KnownViewOptions {
  /** The nodes as they are configured, which are gone by as long as no view is known. */
  readonly spec: LayoutSpec;
  readonly connect: (address: string) => CacheNode;
  readonly onEntry?: OnEntry | undefined;
}

/** The view as far as this gateway knows it, and what follows from it: layouts, nodes, places. */
export class KnownView {
  readonly #members: Members;
  readonly #places: PlaceBook;
  #view: View = EMPTY_VIEW;
  #arrangement: Arrangement;
  /** Nodes that are to be connected to besides those of the layouts. */
  #extra: readonly string[] = [];
  #readEstablishedAt = NEVER;

  constructor({ spec, connect, onEntry }: KnownViewOptions) {
    const provisional = [layoutOf(0, spec)];
    this.#arrangement = { written: provisional, read: provisional };
    this.#members = new Members(connect);
    this.#members.keep(spec.nodes);
    this.#places = new PlaceBook(onEntry);
  }

  get current(): View {
    return this.#view;
  }

  get isEmpty(): boolean {
    return this.#view === EMPTY_VIEW;
  }

  get arrangement(): Arrangement {
    return this.#arrangement;
  }

  get members(): readonly Member[] {
    return this.#members.all;
  }

  /** All places that are in use. */
  get places(): readonly Place[] {
    return this.#places.all;
  }

  /** Since when the present `read` of the view is known to be established. */
  get readEstablishedAt(): number {
    return this.#readEstablishedAt;
  }

  /** Whether a majority is known to know all of it. */
  get isEstablished(): boolean {
    const { all } = this.#places;
    return (
      this.#readEstablishedAt !== NEVER && all.every(({ establishedAt }) => establishedAt !== NEVER)
    );
  }

  /** A node as the holder of what these layouts, which have to be in force, give it. */
  place(address: string, layouts: readonly Layout[]): Place {
    return this.#places.get(this.#view, this.#members.get(address)!, layouts);
  }

  /** What a node is as a whole: the least that it is of the layouts that are read, or else written. */
  summary(address: string): Entry {
    return this.#places.summary(this.#view, address, this.#arrangement);
  }

  /** Whether a node is more than behind by any layout. */
  holdsAnything(address: string): boolean {
    return this.#arrangement.written.some(
      (layout) =>
        layout.nodes.includes(address) && this.place(address, [layout]).entry.state !== 'behind',
    );
  }

  /** Connects to nodes that no layout has yet, instead of those that were named before. */
  alsoConnect(addresses: readonly string[]): void {
    this.#extra = addresses;
    this.#keepMembers();
  }

  /** Takes in what a document says; whether that was anything new. */
  adopt(document: View, reason?: string): boolean {
    const before = this.#view;
    const merged = mergeViews(before, document);
    if (merged === before) return false;
    this.#view = merged;
    if (merged.read !== before.read) this.#readEstablishedAt = NEVER;
    this.#rearrange();
    this.#places.update(merged, this.#arrangement, reason);
    for (const layout of this.#arrangement.written) {
      for (const address of layout.nodes) this.place(address, [layout]);
    }
    return true;
  }

  /** Finds what a majority of each layout was found to hold. */
  recount(reading: ViewReading, now: number): void {
    const { written } = this.#arrangement;
    const isHeld = (holds: (view: View) => boolean) =>
      written.every((layout) => reading.isHeldIn(layout, holds));
    if (this.#readEstablishedAt === NEVER && isHeld(({ read }) => read >= this.#view.read)) {
      this.#readEstablishedAt = now;
    }
    for (const place of this.#places.all) {
      if (place.establishedAt !== NEVER) continue;
      const isThere = (view: View) => reaches(this.#places.entryIn(view, place), place.entry);
      if (isHeld(isThere)) place.establishedAt = now;
    }
  }

  close(): void {
    this.#members.close();
  }

  #rearrange(): void {
    const written = writtenLayouts(this.#view);
    const read = written.filter(({ rank }) => rank >= this.#view.read);
    const isSame = (a: readonly Layout[], b: readonly Layout[]) =>
      a.length === b.length && a.every(({ id }, i) => id === b[i]!.id);
    const before = this.#arrangement;
    if (isSame(before.written, written) && isSame(before.read, read)) return;
    this.#arrangement = { written, read };
    this.#keepMembers();
  }

  #keepMembers(): void {
    const named = this.#arrangement.written.flatMap(({ nodes }) => nodes);
    this.#members.keep([...new Set([...named, ...this.#extra])]);
  }
}
