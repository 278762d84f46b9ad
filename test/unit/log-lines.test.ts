import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogLines } from '../../src/log-lines.ts';

function gathered(): { lines: LogLines; passed: string[] } {
  const passed: string[] = [];
  const lines = new LogLines((bytes) => {
    passed.push(bytes.toString());
    return true;
  });
  return { lines, passed };
}

test('lines are handed on together, in their order', () => {
  const { lines, passed } = gathered();
  lines.write('one\n');
  lines.write('zwölf 😀\n');
  assert.deepEqual(passed, []);
  lines.flush();
  assert.deepEqual(passed, ['one\nzwölf 😀\n']);
  lines.flush();
  assert.equal(passed.length, 1);
});

test('a line waits 100 ms at most, however many follow it', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { lines, passed } = gathered();
  lines.write('first\n');
  t.mock.timers.tick(60);
  lines.write('second\n');
  t.mock.timers.tick(39);
  assert.deepEqual(passed, []);
  t.mock.timers.tick(1);
  assert.deepEqual(passed, ['first\nsecond\n']);
});

test('what is handed on and still needed is never written over, and no line is parted or lost', () => {
  const passed: Buffer[] = [];
  const lines = new LogLines((bytes) => {
    passed.push(bytes);
    return false;
  });
  const written = Array.from({ length: 5_000 }, (_, i) => `${i} ${'é'.repeat(i % 97)}\n`);
  for (const line of written) lines.write(line);
  lines.flush();
  assert.ok(passed.length > 3);
  for (const bytes of passed) assert.equal(bytes.at(-1), 0x0a);
  assert.equal(Buffer.concat(passed).toString(), written.join(''));
});

test('a line of any length goes through, behind those before it', () => {
  const { lines, passed } = gathered();
  const long = `${'x'.repeat(200_000)}\n`;
  lines.write('before\n');
  lines.write(long);
  lines.write('after\n');
  lines.flush();
  assert.deepEqual(passed, ['before\n', long, 'after\n']);
});
