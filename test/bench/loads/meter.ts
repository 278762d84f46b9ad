import { createHistogram } from 'node:perf_hooks';
import { messageOf } from '../../../src/errors.ts';
import type { Outcome } from './workload.ts';

const SHOWN_FAILURES = 5;

/** Counts units of work that were done right or went wrong, and how long they took. */
export class Meter {
  readonly #histogram = createHistogram();
  readonly #failures: string[] = [];
  readonly #started = performance.now();
  readonly #deadline: number;
  #units = 0;
  #failed = 0;

  constructor(seconds: number) {
    this.#deadline = this.#started + seconds * 1_000;
  }

  /** No new unit is to be begun. */
  get over(): boolean {
    return performance.now() >= this.#deadline;
  }

  /** One unit was done right; `startedMs` is when it began, by `performance.now()`. */
  done(startedMs: number): void {
    this.#units++;
    this.#histogram.record(Math.max(1, Math.round((performance.now() - startedMs) * 1_000)));
  }

  failed(what: string): void {
    this.#failed++;
    if (this.#failures.length < SHOWN_FAILURES) this.#failures.push(what);
  }

  outcome(): Outcome {
    const more = this.#failed - this.#failures.length;
    return {
      units: this.#units,
      seconds: (performance.now() - this.#started) / 1_000,
      p50Ms: this.#histogram.percentile(50) / 1_000,
      p99Ms: this.#histogram.percentile(99) / 1_000,
      failures: more > 0 ? [...this.#failures, `and ${more} more`] : this.#failures,
    };
  }
}

/** Does the same thing `width` times side by side, each over and over, until the meter is over. */
export async function closedLoop(
  meter: Meter,
  width: number,
  unit: () => Promise<void>,
): Promise<void> {
  const lane = async () => {
    while (!meter.over) {
      const started = performance.now();
      try {
        await unit();
        meter.done(started);
      } catch (error) {
        meter.failed(messageOf(error));
        // A proxy that refuses everything would otherwise be asked as fast as it can refuse.
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
}
