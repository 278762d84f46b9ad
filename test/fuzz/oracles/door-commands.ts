import type { Dice } from '../engine/dice.ts';

const KEYS = ['a', 'b', 'n', 'k\xe9\xff'] as const;
const TIMES = ['0', '100', '-1', '2592001', '2147483647', '1000'] as const;
const FLAGS = ['0', '7', '4294967295', '-1', 'x', '4294967296'] as const;
const NUMBERS = [
  '1',
  '0',
  '10',
  '18446744073709551615',
  '18446744073709551616',
  '-1',
  'x',
] as const;
const META_FLAGS = ['v', 'k', 'f', 's', 't', 'c', 'q', 'O12', 'h', 'l', 'u', 'I'].concat([
  'T100',
  'T0',
  'T-1',
  'N100',
  'R30',
  'F5',
  'C7',
  'ME',
  'MA',
  'MP',
  'MR',
  'MS',
  'x',
]);

/** Words that commands are made of. */
export const COMMAND_WORDS = [
  '\r\n',
  '\n',
  ' ',
  ' noreply\r\n',
  'get a\r\n',
  'gets a b n\r\n',
  'gat 100 a\r\n',
  'set a 7 0 2\r\n10\r\n',
  'append a 0 0 1\r\nx\r\n',
  'cas a 0 0 1 5\r\nx\r\n',
  'ms a 2 T100 F3\r\nhi\r\n',
  'mg a v t f c k\r\n',
  'md a q\r\n',
  'mn\r\n',
  'incr n 1\r\n',
  'flush_all\r\n',
  'verbosity 0\r\n',
  'version\r\n',
  'quit\r\n',
  'stats reset\r\n',
  'GET / HTTP/1.1\r\n',
  ...KEYS,
  ...META_FLAGS.map((flag) => ` ${flag}`),
] as const;

/** Commands that are sound for the most part. */
export function generateCommands(dice: Dice): Buffer {
  const parts: string[] = [];
  for (let left = 1 + dice.below(8); left > 0; left -= 1) {
    parts.push(command(dice));
    if (dice.chance(0.05)) parts.push(dice.pick(COMMAND_WORDS));
  }
  return Buffer.from(parts.join(''), 'latin1');
}

function command(dice: Dice): string {
  const key = dice.pick(KEYS);
  const noreply = dice.chance(0.2) ? ' noreply' : '';
  const end = dice.chance(0.95) ? '\r\n' : '\n';
  switch (dice.below(9)) {
    case 0:
      return `${dice.pick(['get', 'gets'])} ${keys(dice)}${end}`;
    case 1:
      return `${dice.pick(['gat', 'gats'])} ${dice.pick(TIMES)} ${keys(dice)}${end}`;
    case 2: {
      const verb = dice.pick(['add', 'replace', 'append', 'prepend', 'set', 'cas']);
      const version = verb === 'cas' ? ` ${dice.pick(NUMBERS)}` : '';
      const [length, block] = data(dice);
      const head = `${verb} ${key} ${dice.pick(FLAGS)} ${dice.pick(TIMES)} ${length}`;
      return `${head}${version}${noreply}${end}${block}`;
    }
    case 3:
      return `delete ${key}${dice.pick(['', '', ' 0', ' 1'])}${noreply}${end}`;
    case 4:
      return `touch ${key} ${dice.pick(TIMES)}${noreply}${end}`;
    case 5:
      return `${dice.pick(['incr', 'decr'])} ${key} ${dice.pick(NUMBERS)}${noreply}${end}`;
    case 6: {
      const [length, block] = data(dice);
      return `ms ${key} ${length}${metaFlags(dice)}${end}${block}`;
    }
    case 7:
      return `${dice.pick(['mg', 'mg', 'md'])} ${key}${metaFlags(dice)}${end}`;
    default:
      return dice.pick(COMMAND_WORDS);
  }
}

function keys(dice: Dice): string {
  const most = dice.chance(0.1) ? 40 : 3;
  return Array.from({ length: 1 + dice.below(most) }, () => dice.pick(KEYS)).join(' ');
}

function metaFlags(dice: Dice): string {
  return Array.from({ length: dice.below(5) }, () => ` ${dice.pick(META_FLAGS)}`).join('');
}

/** A data block, and the length that is said to be its own. */
function data(dice: Dice): [length: number, block: string] {
  const size = dice.chance(0.05) ? 2100 : 20;
  const value = dice.chance(0.5)
    ? String(dice.below(2000))
    : '\r\nEND\r\nVALUE a\0\xff'.repeat(200).slice(0, dice.below(size));
  return [dice.chance(0.95) ? value.length : dice.below(30), `${value}\r\n`];
}
