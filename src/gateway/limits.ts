import type { DataReport } from './messages.ts';
import { fairParts, type Share } from './share.ts';
import { backendIn, serviceIn } from './tally.ts';

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

/** How long the odd lease of too few stays with one data plane once it has it, in ms. */
const ROUND_MS = 1_000;

/** Where the odd lease of a backend is. */
interface Round {
  turn: number;
  /** When every data plane was known to go by its part; undefined: that is yet to come. */
  settledAt: number | undefined;
}

/**
 * Divides what backends take at once among data planes: evenly, but that one with more to do has what
 * others leave. The sum is never above `maxconn`: what one may have is raised only when others have told
 * that they have, and may have, less.
 */
export class Limits {
  /** The latest that was granted, by service and backend. */
  readonly #granted = new WeakMap<Holder, Map<string, number>>();
  /** By service and backend. */
  readonly #rounds = new Map<string, Round>();
  readonly #now: () => number;

  /** @param now the time in ms, from any start; it never goes back */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** How many leases of a backend each may hold from now on; one that drains decides by itself. */
  divide(all: readonly Holder[], limited: Limited): ReadonlyMap<Holder, number> {
    const most = new Map(all.map((holder) => [holder, this.#mostOf(holder, limited)]));
    const draining = all.filter(({ share }) => share === undefined);
    const round = this.#roundOf(limited);
    const left = limited.maxconn - sumOf(draining.map((holder) => most.get(holder)!));
    const parts = partsOf(all, { ...limited, maxconn: Math.max(0, left) }, round.turn);
    for (const [holder, part] of parts) {
      // It has not told that it goes by what it was granted last: that may be on its way.
      if (!this.#isTold(holder, limited)) continue;
      const others = sumOf(Array.from(most.values())) - most.get(holder)!;
      const granted = Math.max(0, Math.min(part, limited.maxconn - others));
      this.#remember(holder, limited, granted);
      most.set(holder, Math.max(most.get(holder)!, granted));
    }
    const isSettled = Array.from(parts).every(
      ([holder, part]) => this.#grantOf(holder, limited) === part && this.#isTold(holder, limited),
    );
    if (isSettled) round.settledAt ??= this.#now();
    return new Map(Array.from(parts.keys(), (holder) => [holder, this.#grantOf(holder, limited)!]));
  }

  /** It goes on when the one that has the odd lease has had it for a while, and not only was to have it. */
  #roundOf(limited: Limited): Round {
    const key = keyOf(limited);
    const round = this.#rounds.get(key) ?? { turn: limited.turn, settledAt: undefined };
    this.#rounds.set(key, round);
    if (round.settledAt !== undefined && this.#now() - round.settledAt >= ROUND_MS) {
      round.turn += 1;
      round.settledAt = undefined;
    }
    return round;
  }

  /** The most that a data plane can hold at this moment, for all that is known. */
  #mostOf(holder: Holder, limited: Limited): number {
    const told = backendIn(holder.report, limited.service, limited.backend);
    const granted = holder.share === undefined ? 0 : this.#grantOf(holder, limited);
    return Math.max(told?.limit ?? 0, told?.active ?? 0, granted ?? 0);
  }

  #isTold(holder: Holder, limited: Limited): boolean {
    const granted = this.#grantOf(holder, limited);
    const told = backendIn(holder.report, limited.service, limited.backend);
    return granted === undefined || told?.limit === granted;
  }

  #grantOf(holder: Holder, limited: Limited): number | undefined {
    return this.#granted.get(holder)?.get(keyOf(limited));
  }

  #remember(holder: Holder, limited: Limited, granted: number): void {
    const known = this.#granted.get(holder) ?? new Map<string, number>();
    known.set(keyOf(limited), granted);
    this.#granted.set(holder, known);
  }
}

function keyOf({ service, backend }: Limited): string {
  return `${service} ${backend}`;
}

/** What each that takes new work is to have, sooner or later; by `odd`, who has the odd one of too few. */
function partsOf(all: readonly Holder[], limited: Limited, odd: number): Map<Holder, number> {
  const serving = all.filter((holder) => holder.share !== undefined);
  serving.sort((one, other) => one.share!.index - other.share!.index);
  // The parts of those that are yet to come are kept for them as long as nobody needs them.
  const places = Math.max(serving.length, ...serving.map(({ share }) => share!.of));
  const needs = Array.from({ length: places }, (_, index) =>
    serving[index] ? needOf(serving[index], limited) : 0,
  );
  const { maxconn, turn } = limited;
  const isEnough = sumOf(needs) <= maxconn;
  const parts = isEnough
    ? fairParts(maxconn, withRoom(needs, maxconn), turn)
    : fairParts(maxconn, needs, odd);
  return new Map(serving.map((holder, index) => [holder, parts[index]!]));
}

/** What it holds, and what waits: for any backend, so for this one as well. */
function needOf({ report }: Holder, { service, backend }: Limited): number {
  const active = backendIn(report, service, backend)?.active ?? 0;
  const { queued = 0, turnsAway = false } = serviceIn(report, service) ?? {};
  // Where nobody may wait in line, one who was turned away stands for those to come.
  return active + queued + (turnsAway ? 1 : 0);
}

/** A quarter more, and one at least, for what comes before the next report, where there is enough for that. */
function withRoom(needs: readonly number[], maxconn: number): readonly number[] {
  const more = needs.map((need) => Math.max(1, need + Math.ceil(need / 4)));
  return sumOf(more) <= maxconn ? more : needs;
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
