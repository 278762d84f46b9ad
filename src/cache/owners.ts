import type { Arrangement, Layout } from './layout.ts';
import type { Place } from './place.ts';

/** Where a key belongs. */
export interface Owners {
  /** Every place that it is to be written to, in the order of the dashboards' placement. */
  readonly all: readonly Place[];
  /** Those of them that it may be read from. */
  readonly read: readonly Place[];
}

/** The nodes of a key in the order of its placement, by address. */
export type AddressOrder = (key: string) => readonly string[];

interface Options {
  readonly arrangement: () => Arrangement;
  readonly place: (address: string, layouts: readonly Layout[]) => Place;
  readonly orderOf: (layout: Layout) => AddressOrder;
}

/** Keys whose owners are remembered: placing one costs more than to look it up. */
const REMEMBERED_KEYS = 10_000;

/** Finds the owners of keys by the layouts in force. */
export class Placer {
  readonly #options: Options;
  #arrangement: Arrangement | undefined;
  #orders: readonly { readonly layout: Layout; readonly order: AddressOrder }[] = [];
  readonly #remembered = new Map<string, Owners>();

  constructor(options: Options) {
    this.#options = options;
  }

  ownersOf(key: string): Owners {
    const arrangement = this.#options.arrangement();
    if (arrangement !== this.#arrangement) this.#arrange(arrangement);
    const known = this.#remembered.get(key);
    if (known !== undefined) return known;
    const owners = this.#find(key, arrangement);
    if (this.#remembered.size === REMEMBERED_KEYS) this.#remembered.clear();
    this.#remembered.set(key, owners);
    return owners;
  }

  #arrange(arrangement: Arrangement): void {
    this.#arrangement = arrangement;
    this.#remembered.clear();
    this.#orders = arrangement.written.map((layout) => ({
      layout,
      order: this.#options.orderOf(layout),
    }));
  }

  #find(key: string, arrangement: Arrangement): Owners {
    const layoutsOf = new Map<string, Layout[]>();
    for (const { layout, order } of this.#orders) {
      for (const address of order(key).slice(0, layout.copies)) {
        const layouts = layoutsOf.get(address);
        if (layouts === undefined) layoutsOf.set(address, [layout]);
        else layouts.push(layout);
      }
    }
    const all = [...layoutsOf].map(([address, layouts]) => this.#options.place(address, layouts));
    const isRead = ({ layouts }: Place) =>
      layouts.some(({ id }) => arrangement.read.some((layout) => layout.id === id));
    return { all, read: all.filter(isRead) };
  }
}
