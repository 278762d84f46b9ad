import type { CacheTiming } from './cache-timing.ts';
import type { Clock } from './clock.ts';
import type { Arrangement, Layout } from './layout.ts';
import type { Owners } from './owners.ts';
import type { Place } from './place.ts';
import type { Entry } from './view-document.ts';

/** What reading and writing need of the shared view. */
export interface ViewOfNodes {
  readonly arrangement: Arrangement;
  holds(): boolean;
  refresh(): Promise<boolean>;
  isSettled(place: Place): boolean;
  settled(place: Place): Promise<boolean>;
  lose(place: Place, seen: Entry, reason?: string): void;
}

/**
 * What to do where the guarantee cannot be kept: no majority of the nodes can be read, or no full
 * owner answers. `serve` goes on with what is at hand; `refuse` rejects.
 */
export type WhenUnsure = 'serve' | 'refuse';

/** The nodes, and which of them hold what. */
export interface Replicas {
  readonly view: ViewOfNodes;
  readonly clock: Clock;
  readonly timing: CacheTiming;
  readonly whenUnsure: WhenUnsure;
  readonly ownersOf: (key: string) => Owners;
  /** Every node, as the owner of whatever it owns. */
  readonly everyNode: () => readonly Place[];
}

/** Rounds of one command: each is caused by a node that changed state in the one before. */
export const MAX_ROUNDS = 4;

/** What a command has seen of the view, to see whether it is still so. */
export interface Sight {
  readonly arrangement: Arrangement;
  readonly places: readonly Place[];
  readonly entries: readonly Entry[];
}

export function look({ arrangement }: ViewOfNodes, places: readonly Place[]): Sight {
  return { arrangement, places, entries: places.map(({ entry }) => entry) };
}

/** Whether the layouts are the same, and the nodes in the states that they were seen in. */
export function isUnchanged(view: ViewOfNodes, { arrangement, places, entries }: Sight): boolean {
  return (
    view.arrangement === arrangement &&
    places.every(({ entry }, position) => entry === entries[position])
  );
}

/** Every node, as the owner of whatever the layouts in force give it. */
export function everyNodeOf(view: {
  readonly arrangement: Arrangement;
  place(address: string, layouts: readonly Layout[]): Place;
}): readonly Place[] {
  const { written } = view.arrangement;
  const addresses = new Set(written.flatMap(({ nodes }) => nodes));
  return [...addresses].map((address) =>
    view.place(
      address,
      written.filter(({ nodes }) => nodes.includes(address)),
    ),
  );
}
