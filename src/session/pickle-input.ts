import { PickleError } from './pickle-values.ts';

/** The bytes of a pickle, read from front to back; every read is bounded by what is there. */
export class PickleInput {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get offset(): number {
    return this.#offset;
  }

  get size(): number {
    return this.#bytes.length;
  }

  /**
   * The next `length` bytes, as a view.
   * @throws PickleError where the input has fewer
   */
  take(length: number): Buffer {
    const end = this.#offset + length;
    if (end > this.#bytes.length) {
      throw new PickleError(
        `the input ends where ${length} more bytes should be, with ${this.remaining} left`,
      );
    }
    const bytes = this.#bytes.subarray(this.#offset, end);
    this.#offset = end;
    return bytes;
  }

  /** The bytes up to the next line feed, without it. */
  line(): Buffer {
    const end = this.#bytes.indexOf(0x0a, this.#offset);
    if (end === -1) throw new PickleError('the input ends inside of a line');
    const bytes = this.#bytes.subarray(this.#offset, end);
    this.#offset = end + 1;
    return bytes;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  uint8(): number {
    const byte = this.#bytes[this.#offset];
    if (byte === undefined) throw new PickleError('the input ends before the pickle does');
    this.#offset += 1;
    return byte;
  }

  uint16(): number {
    return this.take(2).readUInt16LE();
  }

  uint32(): number {
    return this.take(4).readUInt32LE();
  }

  int32(): number {
    return this.take(4).readInt32LE();
  }

  /** A length of eight bytes; beyond 2^53 it is inexact, and far beyond any input. */
  length64(): number {
    return Number(this.take(8).readBigUInt64LE());
  }

  double(): number {
    return this.take(8).readDoubleBE();
  }

  /** A signed integer of `length` bytes in two's complement, least significant byte first. */
  signed(length: number): bigint {
    if (length < 0) throw new PickleError('an int has a negative length');
    if (length === 0) return 0n;
    const hex = Buffer.from(this.take(length)).reverse().toString('hex');
    return BigInt.asIntN(8 * length, BigInt(`0x${hex}`));
  }
}
