import { LATENCY_BOUNDS_MS, type RequestCounts } from '../relay/request-counts.ts';

/** What a service did within one interval. */
export interface Traffic {
  /** Answers, and those of 500 or above, in a second. */
  readonly requests: number;
  readonly errors: number;
  /** In ms; null where nothing was answered. */
  readonly p50: number | null;
  readonly p95: number | null;
}

/** One interval, by the services' names. */
export interface HistoryPoint {
  /** Its end, in ms of unix time. */
  readonly at: number;
  readonly services: Readonly<Record<string, Traffic>>;
}

export interface HistoryOptions {
  /** Most points that are kept: the oldest one goes. */
  readonly points: number;
}

/** A quarter of an hour, in steps that a small plot can show. */
export const HISTORY_POINTS = 180;
export const HISTORY_INTERVAL_MS = 5_000;

/** What services have answered of late, made of counts that are read from time to time. */
export class History {
  readonly #most: number;
  readonly #points: HistoryPoint[] = [];
  #before: { at: number; counts: ReadonlyMap<string, RequestCounts> } | undefined;

  constructor({ points }: HistoryOptions = { points: HISTORY_POINTS }) {
    this.#most = points;
  }

  /** The oldest first. */
  get points(): readonly HistoryPoint[] {
    return this.#points;
  }

  get latest(): HistoryPoint | undefined {
    return this.#points.at(-1);
  }

  /** Takes counts that only grow; what they grew by since the last time is a point. */
  sample(at: number, counts: ReadonlyMap<string, RequestCounts>): void {
    const before = this.#before;
    this.#before = { at, counts };
    // The first counts are of an unknown time, and a clock that is set back tells none.
    if (!before || at <= before.at) return;
    const seconds = (at - before.at) / 1_000;
    const services: Record<string, Traffic> = {};
    for (const [name, now] of counts) {
      const then = before.counts.get(name);
      if (then) services[name] = trafficOf(then, now, seconds);
    }
    this.#points.push({ at, services });
    if (this.#points.length > this.#most) this.#points.shift();
  }
}

function trafficOf(then: RequestCounts, now: RequestCounts, seconds: number): Traffic {
  // A process of another version may take its counts along when it goes.
  const grown = (before: number, after: number) => Math.max(0, after - before);
  const latency = now.latency.map((count, i) => grown(then.latency[i] ?? 0, count));
  return {
    requests: round(grown(then.answered, now.answered) / seconds),
    errors: round(grown(then.errors, now.errors) / seconds),
    p50: percentile(latency, 0.5),
    p95: percentile(latency, 0.95),
  };
}

/** Within which so much of all lies, taken to lie evenly between two bounds. */
export function percentile(latency: readonly number[], part: number): number | null {
  const total = latency.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let left = part * total;
  for (const [i, count] of latency.entries()) {
    if (count > 0 && left <= count) {
      const from = LATENCY_BOUNDS_MS[i - 1] ?? 0;
      // Nothing is known of what took longer than the last bound but that.
      const to = LATENCY_BOUNDS_MS[i] ?? from;
      return round(from + ((to - from) * left) / count);
    }
    left -= count;
  }
  return LATENCY_BOUNDS_MS.at(-1)!;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
