/** Does something whenever it is wanted, at once or after a while, but with a pause between twice. */
export class Paced {
  readonly #act: () => void;
  readonly #pauseMs: number;
  #timer: NodeJS.Timeout | undefined;
  #dueAt = Number.POSITIVE_INFINITY;
  #doneAt = Number.NEGATIVE_INFINITY;

  /** @param pauseMs Between twice, unless it is done `now`. */
  constructor(act: () => void, pauseMs: number) {
    this.#act = act;
    this.#pauseMs = pauseMs;
  }

  /** Has it done within so many ms; where it is to be done before that anyway, nothing changes. */
  within(ms: number): void {
    const now = performance.now();
    const dueAt = Math.max(now + ms, this.#doneAt + this.#pauseMs);
    if (dueAt >= this.#dueAt) return;
    clearTimeout(this.#timer);
    this.#dueAt = dueAt;
    this.#timer = setTimeout(() => this.now(), dueAt - now).unref();
  }

  /** Does it; what was still to be done is done by that. */
  now(): void {
    this.stop();
    this.#doneAt = performance.now();
    this.#act();
  }

  /** Nothing is to be done any more, until it is wanted again. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#dueAt = Number.POSITIVE_INFINITY;
  }
}
