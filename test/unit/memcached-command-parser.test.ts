import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type Command, CommandParser, EndlessCommand } from '../../src/memcached/command-parser.ts';

const STREAM = Buffer.from(
  [
    'get a  b \r\n',
    'set a 1 0 4\r\n\r\n\r\n\r\n',
    'set big 0 0 11\r\nxxxxxxxxxxx\r\n',
    'set short 0 0 1\r\nxyz',
    'delete \xff noreply\n',
    'cas a 0 -1 0 7 noreply\r\n\r\n',
    'ms a 2 T0\r\nab\r\n',
    'set a x 0 1\r\n',
    'set a\r\n',
    'ms a S2\r\n',
    '\r\n',
  ].join(''),
  'latin1',
);
const COMMANDS: Command[] = [
  { words: ['get', 'a', 'b'] },
  { words: ['set', 'a', '1', '0', '4'], data: Buffer.from('\r\n\r\n') },
  { words: ['set', 'big', '0', '0', '11'], fault: 'too large' },
  { words: ['set', 'short', '0', '0', '1'], fault: 'bad data' },
  { words: ['delete', '\xff', 'noreply'] },
  { words: ['cas', 'a', '0', '-1', '0', '7', 'noreply'], data: Buffer.alloc(0) },
  { words: ['ms', 'a', '2', 'T0'], data: Buffer.from('ab') },
  { words: ['set', 'a', 'x', '0', '1'], fault: 'bad format' },
  { words: ['set', 'a'], fault: 'missing argument' },
  { words: ['ms', 'a', 'S2'], fault: 'bad format' },
  { words: [] },
];

it('gives the same commands for chunks of any one size', () => {
  for (let size = 1; size <= STREAM.length; size++) {
    const parser = new CommandParser({ maxValueBytes: 10 });
    const commands: Command[] = [];
    for (let at = 0; at < STREAM.length; at += size) {
      commands.push(...parser.push(STREAM.subarray(at, at + size)));
    }
    assert.deepEqual(commands, COMMANDS, `chunks of ${size} bytes`);
  }
});

it('passes over a value that is too large without holding it', () => {
  const parser = new CommandParser({ maxValueBytes: 10 });
  assert.deepEqual([...parser.push(Buffer.from('set a 0 0 2147483645\r\n'))], []);
  const chunk = Buffer.alloc(1024 * 1024);
  for (let n = 0; n < 16; n++) assert.deepEqual([...parser.push(chunk)], []);
});

it('refuses a line that does not end', () => {
  for (const size of [1000, 100_000]) {
    const parser = new CommandParser({ maxValueBytes: 10 });
    assert.throws(() => {
      for (let n = 0; n < 100; n++) [...parser.push(Buffer.alloc(size, 'get '))];
    }, EndlessCommand);
  }
});
