import { MAX_PICKLE_BYTES, PickleError } from './pickle-values.ts';

/** Bytes written one after the other into a buffer that grows up to MAX_PICKLE_BYTES. */
export class PickleOutput {
  #bytes = Buffer.allocUnsafe(4096);
  #length = 0;

  /** What was written so far, as a view. */
  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  byte(value: number): void {
    const at = this.#claim(1);
    this.#bytes[at] = value;
  }

  raw(bytes: Uint8Array): void {
    const at = this.#claim(bytes.length);
    this.#bytes.set(bytes, at);
  }

  uint16(value: number): void {
    const at = this.#claim(2);
    this.#bytes.writeUInt16LE(value, at);
  }

  uint32(value: number): void {
    const at = this.#claim(4);
    this.#bytes.writeUInt32LE(value, at);
  }

  int32(value: number): void {
    const at = this.#claim(4);
    this.#bytes.writeInt32LE(value, at);
  }

  double(value: number): void {
    const at = this.#claim(8);
    this.#bytes.writeDoubleBE(value, at);
  }

  /** Makes room for `size` bytes and tells where it is. */
  #claim(size: number): number {
    const at = this.#length;
    const length = at + size;
    if (length > MAX_PICKLE_BYTES) {
      throw new PickleError(`the pickle would have over ${MAX_PICKLE_BYTES} bytes; store less`);
    }
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, length));
      larger.set(this.bytes());
      this.#bytes = larger;
    }
    this.#length = length;
    return at;
  }
}
