const SHOWN_FAILURES = 5;

/** Counts what was done, by kind, and what went wrong. */
export class Tally {
  readonly counts = new Map<string, number>();
  readonly failures: string[] = [];
  failureCount = 0;
  #left = Number.POSITIVE_INFINITY;
  #onReached = () => {};

  /** Resolves when so many more have been done or have gone wrong. */
  reached(count: number): Promise<void> {
    this.#left = count;
    return new Promise((resolve) => {
      this.#onReached = resolve;
    });
  }

  done(kind: string): void {
    this.#count();
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  failed(what: string): void {
    this.#count();
    this.failureCount += 1;
    if (this.failures.length < SHOWN_FAILURES) this.failures.push(what);
  }

  #count(): void {
    this.#left -= 1;
    if (this.#left === 0) this.#onReached();
  }
}
