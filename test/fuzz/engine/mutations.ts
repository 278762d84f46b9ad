import type { Dice } from './dice.ts';

/** What inputs are made of. */
export interface Material {
  readonly dictionary: readonly Buffer[];
  /** Another input, to be spliced with. */
  readonly other: () => Buffer;
  readonly maxBytes: number;
}

type Mutation = (input: Buffer, dice: Dice, material: Material) => Buffer;

/** Octets that readers treat unlike others. */
const OCTETS = Buffer.from('\0\t\n\r "#%,/:;=?@A_az-+.09\x7f\x80\xc3\xed\xff', 'latin1');
/** Numbers beside which readers mistake themselves. */
const NUMBERS = ['0', '1', '2', '9', '00', '-1', '+1', '127', '128', '255', '256', '65535', '65536']
  .concat(['2147483647', '2147483648', '4294967295', '4294967296', '9007199254740992', '1e9'])
  .concat([
    '9223372036854775808',
    '18446744073709551615',
    '18446744073709551616',
    '0x10',
    '7f',
    'ff',
  ]);
const MOST_REPEATS = 200;

/** An input that differs from this one in a few places. */
export function mutate(input: Buffer, dice: Dice, material: Material): Buffer {
  let mutated = input;
  for (let left = 1 + dice.below(dice.chance(0.2) ? 8 : 3); left > 0; left -= 1) {
    mutated = dice.pick(MUTATIONS)(mutated, dice, material);
  }
  return mutated.subarray(0, material.maxBytes);
}

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  setOctet,
  setOctet,
  insertOctets,
  remove,
  remove,
  repeat,
  move,
  truncate,
  splice,
  splice,
  insertWord,
  insertWord,
  insertWord,
  replaceByWord,
  replaceByWord,
  changeNumber,
];

function flipBit(input: Buffer, dice: Dice): Buffer {
  if (input.length === 0) return input;
  const flipped = Buffer.from(input);
  flipped[dice.below(input.length)]! ^= 1 << dice.below(8);
  return flipped;
}

function setOctet(input: Buffer, dice: Dice): Buffer {
  if (input.length === 0) return input;
  const changed = Buffer.from(input);
  changed[dice.below(input.length)] = octet(dice);
  return changed;
}

function insertOctets(input: Buffer, dice: Dice): Buffer {
  const octets = Buffer.from(Array.from({ length: 1 + dice.below(4) }, () => octet(dice)));
  return replaced(input, dice.below(input.length + 1), 0, octets);
}

function remove(input: Buffer, dice: Dice): Buffer {
  const [start, length] = range(input, dice);
  return replaced(input, start, length, Buffer.alloc(0));
}

function repeat(input: Buffer, dice: Dice, { maxBytes }: Material): Buffer {
  const [start, length] = range(input, dice);
  if (length === 0) return input;
  const most = dice.chance(0.1) ? maxBytes : MOST_REPEATS;
  const times = Math.min(1 + dice.below(most), Math.ceil(maxBytes / length));
  const part = input.subarray(start, start + length);
  return replaced(input, start, 0, Buffer.alloc(length * times, part));
}

function move(input: Buffer, dice: Dice): Buffer {
  const [start, length] = range(input, dice);
  const part = Buffer.from(input.subarray(start, start + length));
  const rest = replaced(input, start, length, Buffer.alloc(0));
  return replaced(rest, dice.below(rest.length + 1), 0, part);
}

function truncate(input: Buffer, dice: Dice): Buffer {
  return input.subarray(0, dice.below(input.length + 1));
}

function splice(input: Buffer, dice: Dice, { other }: Material): Buffer {
  const second = other();
  const [start, length] = range(second, dice);
  if (dice.chance(0.5)) {
    const end = dice.below(input.length + 1);
    return Buffer.concat([input.subarray(0, end), second.subarray(start)]);
  }
  const part = second.subarray(start, start + length);
  return replaced(input, dice.below(input.length + 1), 0, part);
}

function insertWord(input: Buffer, dice: Dice, { dictionary }: Material): Buffer {
  if (dictionary.length === 0) return input;
  return replaced(input, dice.below(input.length + 1), 0, dice.pick(dictionary));
}

function replaceByWord(input: Buffer, dice: Dice, { dictionary }: Material): Buffer {
  if (dictionary.length === 0) return input;
  const [start, length] = range(input, dice);
  return replaced(input, start, Math.min(length, 24), dice.pick(dictionary));
}

/** Puts another number in the place of one that stands there in digits. */
function changeNumber(input: Buffer, dice: Dice): Buffer {
  const numbers = [...input.toString('latin1').matchAll(/\d+/g)];
  if (numbers.length === 0) return input;
  const { index, 0: digits } = dice.pick(numbers);
  return replaced(input, index, digits.length, Buffer.from(dice.pick(NUMBERS)));
}

function octet(dice: Dice): number {
  return dice.chance(0.7) ? OCTETS[dice.below(OCTETS.length)]! : dice.below(256);
}

/** Mostly a short one, at times all. */
function range(input: Buffer, dice: Dice): [start: number, length: number] {
  const start = dice.below(input.length + 1);
  const rest = input.length - start;
  return [start, dice.below(1 + (dice.chance(0.7) ? Math.min(rest, 16) : rest))];
}

function replaced(input: Buffer, start: number, length: number, by: Buffer): Buffer {
  return Buffer.concat([input.subarray(0, start), by, input.subarray(start + length)]);
}
