import type { DataReport } from './messages.ts';
import { partOf, type Share } from './share.ts';
import { backendIn } from './tally.ts';

/** A data plane in so far as it takes part of a limit. */
export interface Holder {
  /** Undefined: it drains, and lowers its own limits as it does. */
  readonly share: Share | undefined;
  readonly report: DataReport;
}

/** A backend with a limit. */
export interface Limited {
  readonly service: string;
  readonly backend: string;
  readonly maxconn: number;
  /** Tells backends apart, so that not the same data plane has the odd lease of all. */
  readonly turn: number;
}

/**
 * Divides what backends take at once among data planes, so that the sum is never above `maxconn`: what
 * one may have is raised only when others have told that they have, and may have, less.
 */
export class Limits {
  /** The latest that was granted, by service and backend. */
  readonly #granted = new WeakMap<Holder, Map<string, number>>();

  /** How many leases of a backend a data plane may hold from now on; null: it decides by itself. */
  grant(holder: Holder, all: Iterable<Holder>, limited: Limited): number | null {
    const { share } = holder;
    if (share === undefined) return null;
    const { maxconn, turn } = limited;
    let draining = 0;
    let others = 0;
    for (const other of all) {
      if (other === holder) continue;
      const most = this.#most(other, limited);
      others += most;
      if (other.share === undefined) draining += most;
    }
    const target = partOf(Math.max(0, maxconn - draining), share, turn);
    const granted = Math.max(0, Math.min(target, maxconn - others));
    this.#remember(holder, limited, granted);
    return granted;
  }

  /** The most that a data plane can hold at this moment, for all that is known. */
  #most(holder: Holder, { service, backend }: Limited): number {
    const told = backendIn(holder.report, service, backend);
    const granted =
      holder.share === undefined ? 0 : this.#granted.get(holder)?.get(`${service} ${backend}`);
    return Math.max(told?.limit ?? 0, told?.active ?? 0, granted ?? 0);
  }

  #remember(holder: Holder, { service, backend }: Limited, granted: number): void {
    const known = this.#granted.get(holder) ?? new Map<string, number>();
    known.set(`${service} ${backend}`, granted);
    this.#granted.set(holder, known);
  }
}
