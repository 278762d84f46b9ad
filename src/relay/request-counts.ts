/** What a service has answered, in numbers that only grow. */
export interface RequestCounts {
  readonly answered: number;
  /** Those of them that were answered 500 or above, by a backend or for want of one. */
  readonly errors: number;
  /** How many took up to so many ms, by {@link LATENCY_BOUNDS_MS}; the last one: longer. */
  readonly latency: readonly number[];
}

/** Fine enough for a percentile that people look at, few enough to be told four times a second. */
export const LATENCY_BOUNDS_MS: readonly number[] = [
  1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1_000, 1_500, 2_000, 3_000,
  5_000, 10_000, 20_000, 30_000, 60_000,
];

export const NO_REQUESTS: RequestCounts = {
  answered: 0,
  errors: 0,
  latency: new Array(LATENCY_BOUNDS_MS.length + 1).fill(0),
};

/** Counts what a relay answers: a few additions for each request. */
export class RequestCounter {
  #answered = 0;
  #errors = 0;
  readonly #latency: number[] = [...NO_REQUESTS.latency];

  count(status: number, ms: number): void {
    this.#answered += 1;
    if (status >= 500) this.#errors += 1;
    let bucket = 0;
    // Most answers are quick, so this ends early; beyond the last bound it compares with nothing.
    while (ms > LATENCY_BOUNDS_MS[bucket]!) bucket += 1;
    this.#latency[bucket]! += 1;
  }

  read(): RequestCounts {
    return { answered: this.#answered, errors: this.#errors, latency: [...this.#latency] };
  }
}

/** Adds up; undefined, from who tells of none, counts as none. */
export function addRequests(all: readonly (RequestCounts | undefined)[]): RequestCounts {
  const told = all.filter((counts) => counts !== undefined);
  return {
    answered: told.reduce((sum, { answered }) => sum + answered, 0),
    errors: told.reduce((sum, { errors }) => sum + errors, 0),
    latency: NO_REQUESTS.latency.map((_, i) =>
      told.reduce((sum, { latency }) => sum + (latency[i] ?? 0), 0),
    ),
  };
}
