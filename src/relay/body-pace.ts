/**
 * How long a client may be waited for within the body of a request: pauses add up, and bytes make up
 * for them, so that a byte now and then does not hold a backend for ever (R-U-Dead-Yet). Time in which
 * nobody waits for the client, as the backend takes no more, does not count.
 */
export class BodyPace {
  readonly #mostMs: number;
  /** What a byte makes up for; Infinity: any byte for every pause. */
  readonly #msPerByte: number;
  #leftMs = 0;
  #waitsSince: number | undefined;

  /** @param bytesPerSecond The slowest that a body may be in the long run; 0: however slow. */
  constructor(mostMs: number, bytesPerSecond: number) {
    this.#mostMs = mostMs;
    this.#msPerByte = 1_000 / bytesPerSecond;
  }

  /** Another body begins. */
  begin(): void {
    this.#leftMs = this.#mostMs;
    this.#waitsSince = undefined;
  }

  /** The client is waited for from now on; for how many ms at most. */
  wait(now: number): number {
    this.#waitsSince ??= now;
    return Math.max(0, this.#leftMs - (now - this.#waitsSince));
  }

  /** So many bytes have come, and nobody waits any more. */
  came(now: number, bytes: number): void {
    const waited = this.#waitsSince === undefined ? 0 : now - this.#waitsSince;
    this.#waitsSince = undefined;
    this.#leftMs = Math.min(this.#mostMs, this.#leftMs - waited + bytes * this.#msPerByte);
  }
}
