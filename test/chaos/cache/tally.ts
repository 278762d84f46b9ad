import { createHistogram } from 'node:perf_hooks';

/** What users saw. */
export class Tally {
  clicks = 0;
  /** Sent to log in though they were logged in. */
  loggedOut = 0;
  /** Answers of 500 and above, and 400 where a session vanished under a click. */
  errors = 0;
  /** No answer within the patience of a user. */
  unanswered = 0;
  /** Clicks that showed what an earlier one had changed as it was before. */
  outdated = 0;
  /** Sessions that were logged out and could be read again. */
  undone = 0;
  readonly #times = createHistogram();

  /** A click was answered after so many ms. */
  took(ms: number): void {
    this.clicks++;
    this.#times.record(Math.max(1, Math.round(ms)));
  }

  get p50Ms(): number {
    return this.#times.percentile(50);
  }

  get p99Ms(): number {
    return this.#times.percentile(99);
  }

  get longestMs(): number {
    return this.#times.max;
  }

  /** Nobody noticed anything but perhaps that it took longer. */
  get clean(): boolean {
    return this.loggedOut + this.errors + this.unanswered + this.outdated + this.undone === 0;
  }
}
