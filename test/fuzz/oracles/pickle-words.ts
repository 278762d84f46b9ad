import type { Dice } from '../engine/dice.ts';

/** Whole opcodes, with what follows them. */
export const PICKLE_WORDS = [
  '\x80\x02',
  '\x80\x04',
  '\x95\x04\0\0\0\0\0\0\0',
  '(',
  '.',
  '0',
  '1',
  '2',
  'N',
  '\x88',
  '\x89',
  'I7\n',
  'I01\n',
  'L-9223372036854775809L\n',
  'F1.5\n',
  'Finf\n',
  'G\x3f\xf0\0\0\0\0\0\0',
  'J\xff\xff\xff\xff',
  'K\x07',
  'M\0\x01',
  '\x8a\x01\xff',
  '\x8a\x08\0\0\0\0\0\0\0\x80',
  '\x8b\x02\0\0\0\0\x80',
  "S'a\\x41\\n'\n",
  'T\x01\0\0\0a',
  'U\x01a',
  'V\\u20ac\\U0001f600\n',
  'X\x03\0\0\0\xe2\x82\xac',
  '\x8c\x03\xed\xa0\x80',
  '\x8d\x01\0\0\0\0\0\0\0a',
  'B\x01\0\0\0\xff',
  'C\x01\xff',
  '\x8e\x01\0\0\0\0\0\0\0\xff',
  '\x96\x01\0\0\0\0\0\0\0\xff',
  ')',
  '\x85',
  '\x86',
  '\x87',
  't',
  ']',
  'l',
  'a',
  'e',
  '}',
  'd',
  's',
  'u',
  '\x8f',
  '\x90',
  '\x91',
  'p0\n',
  'q\0',
  'r\0\0\0\0',
  '\x94',
  'g0\n',
  'h\0',
  'j\0\0\0\0',
  'c__builtin__\nset\n',
  'cbuiltins\nbytearray\n',
  'c_codecs\nencode\n',
  'ccollections\nOrderedDict\n',
  '\x8c\x08builtins\x8c\x09frozenset\x93',
  'R',
  '\x81',
  '\x92',
  'b',
  'i__builtin__\nset\n',
  'o',
  'P1\n',
  'Q',
  '\x82\x01',
  '\x97',
] as const;

const ATOMS = [
  'N',
  '\x88',
  '\x89',
  'K\x07',
  'J\xff\xff\xff\xff',
  'M\0\x01',
  'L12345678901234567890L\n',
  '\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\0',
  'G\x3f\xf8\0\0\0\0\0\0',
  'F2.0\n',
  "S'a\\t'\n",
  'U\x02ab',
  'Va\\u00e9\n',
  'X\x02\0\0\0\xc3\xa9',
  '\x8c\x01k',
  '\x8c\x03\xed\xb0\x80',
  'C\x02\0\xff',
  '\x96\x01\0\0\0\0\0\0\0x',
] as const;
const HASHABLE = ['K\x01', 'K\x02', '\x8c\x01a', '\x8c\x02bb', 'N', 'C\x01z'] as const;

/** A pickle that is sound for the most part: values within values, some of them remembered. */
export function generatePickle(dice: Dice): Buffer {
  const memo = { next: 0 };
  const head = dice.pick(['', '\x80\x02', '\x80\x03', '\x80\x04', '\x80\x05']);
  const text = `${head}${value(dice, memo, 4)}.`;
  // A word in a wrong place now and then.
  const at = dice.below(text.length);
  const mutated = dice.chance(0.2)
    ? text.slice(0, at) + dice.pick(PICKLE_WORDS) + text.slice(at)
    : text;
  return Buffer.from(mutated, 'latin1');
}

interface Memo {
  next: number;
}

function value(dice: Dice, memo: Memo, depth: number): string {
  if (depth === 0 || dice.chance(0.3)) return atom(dice, memo);
  const items = (least: number) =>
    Array.from({ length: least + dice.below(3) }, () => value(dice, memo, depth - 1)).join('');
  const pairs = () =>
    Array.from(
      { length: 1 + dice.below(2) },
      () => dice.pick(HASHABLE) + value(dice, memo, depth - 1),
    ).join('');
  switch (dice.below(12)) {
    case 0:
      return `]${remember(dice, memo)}(${items(0)}e`;
    case 1:
      return `(${items(0)}${dice.pick(['l', 't'])}${remember(dice, memo)}`;
    case 2:
      return `}${remember(dice, memo)}(${pairs()}u`;
    case 3:
      return `(${pairs()}d`;
    case 4:
      return `]${value(dice, memo, depth - 1)}a`;
    case 5:
      return `}${dice.pick(HASHABLE)}${value(dice, memo, depth - 1)}s`;
    case 6:
      return `\x8f${remember(dice, memo)}(${dice.pick(HASHABLE)}\x90`;
    case 7:
      return `(${dice.pick(HASHABLE)}\x91${remember(dice, memo)}`;
    case 8:
      return `${value(dice, memo, depth - 1)}\x85${remember(dice, memo)}`;
    case 9:
      return `${value(dice, memo, depth - 1)}0${value(dice, memo, depth - 1)}`;
    case 10:
      return `c__builtin__\n${dice.pick(['set', 'frozenset'])}\n(](${dice.pick(HASHABLE)}etR`;
    default:
      return `c_codecs\nencode\n(Va\\u00ff\nVlatin1\ntR${remember(dice, memo)}`;
  }
}

function atom(dice: Dice, memo: Memo): string {
  if (memo.next > 0 && dice.chance(0.3)) return `h${String.fromCharCode(dice.below(memo.next))}`;
  return dice.pick(ATOMS) + remember(dice, memo);
}

function remember(dice: Dice, memo: Memo): string {
  if (memo.next > 200 || dice.chance(0.5)) return '';
  const index = memo.next;
  memo.next += 1;
  return dice.chance(0.5) ? `q${String.fromCharCode(index)}` : `p${index}\n`;
}
