const MOST_BYTES = 128 * 1024;
const COUNT = 0;
const LENGTH = 1;

/** The input that a thread is trying, where another one can see it. */
export class InputWindow {
  readonly buffer: SharedArrayBuffer;
  readonly #numbers: Int32Array;
  readonly #bytes: Uint8Array;

  constructor(buffer = new SharedArrayBuffer(8 + MOST_BYTES)) {
    this.buffer = buffer;
    this.#numbers = new Int32Array(buffer, 0, 2);
    this.#bytes = new Uint8Array(buffer, 8);
  }

  show(input: Buffer): void {
    this.#bytes.set(input.subarray(0, MOST_BYTES));
    Atomics.store(this.#numbers, LENGTH, Math.min(input.length, MOST_BYTES));
    Atomics.add(this.#numbers, COUNT, 1);
  }

  /** How many inputs there were. */
  get count(): number {
    return Atomics.load(this.#numbers, COUNT);
  }

  get input(): Buffer {
    return Buffer.from(this.#bytes.slice(0, Atomics.load(this.#numbers, LENGTH)));
  }
}
