import { randomFillSync } from 'node:crypto';

/** Bytes of one id. */
const ID_BYTES = 16;
/** So many ids are made of the random bytes that are asked for at once. */
const IDS_AT_ONCE = 256;

/**
 * Makes request ids: 32 hexadecimal digits at random, as nginx's `$request_id`. They come with every
 * request, and a UUID, put together digit by digit, costs five times as much.
 */
export class RequestIds {
  readonly #random = Buffer.allocUnsafeSlow(ID_BYTES * IDS_AT_ONCE);
  /** Those that are left to be used, one after the other. */
  #ids = '';
  #next = 0;

  next(): string {
    if (this.#next === this.#ids.length) {
      this.#ids = randomFillSync(this.#random).toString('hex');
      this.#next = 0;
    }
    const start = this.#next;
    this.#next += 2 * ID_BYTES;
    return this.#ids.slice(start, this.#next);
  }
}
