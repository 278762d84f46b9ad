import { OP } from './pickle-opcodes.ts';
import type { PickleOutput } from './pickle-output.ts';

/** A number as an int where it is a whole one that is exact, otherwise as a float. */
export function writeNumber(output: PickleOutput, value: number): void {
  if (!Number.isSafeInteger(value)) {
    writeFloat(output, value);
  } else if (value >= 0 && value <= 0xff) {
    output.byte(OP.BININT1);
    output.byte(value);
  } else if (value >= 0 && value <= 0xffff) {
    output.byte(OP.BININT2);
    output.uint16(value);
  } else if (value === (value | 0)) {
    output.byte(OP.BININT);
    output.int32(value);
  } else {
    writeLong(output, BigInt(value));
  }
}

export function writeFloat(output: PickleOutput, value: number): void {
  output.byte(OP.BINFLOAT);
  output.double(value);
}

/** An int in two's complement, least significant byte first, with at least one bit for the sign. */
export function writeLong(output: PickleOutput, value: bigint): void {
  const magnitude = value < 0n ? -value : value;
  const size = Math.floor(magnitude.toString(16).length / 2) + 1;
  const unsigned = BigInt.asUintN(8 * size, value);
  const bytes = Buffer.from(unsigned.toString(16).padStart(2 * size, '0'), 'hex').reverse();
  if (size < 0x100) {
    output.byte(OP.LONG1);
    output.byte(size);
  } else {
    output.byte(OP.LONG4);
    output.int32(size);
  }
  output.raw(bytes);
}

/** Bytes behind their length: of one byte after the opcode `short`, of four after `long`. */
export function writeSized(
  output: PickleOutput,
  short: number,
  long: number,
  bytes: Uint8Array,
): void {
  if (bytes.length < 0x100) {
    output.byte(short);
    output.byte(bytes.length);
  } else {
    output.byte(long);
    output.uint32(bytes.length);
  }
  output.raw(bytes);
}
