import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { COMMANDS, type CommandName, OPTIONS, usage } from '../../src/usage.ts';

const NAMES = Object.keys(COMMANDS) as CommandName[];

test('the list of commands names each of them, and fits a terminal', () => {
  const lines = usage().split('\n');
  for (const name of NAMES) {
    assert.ok(
      lines.some((line) => line.startsWith(`  ${name} `)),
      name,
    );
  }
  for (const text of [usage(), ...NAMES.map((name) => usage(name))]) {
    for (const line of text.split('\n')) assert.ok(line.length <= 110, line);
  }
});

test('every command tells its arguments, its options and its exit codes', () => {
  for (const name of NAMES) {
    const { args, options } = COMMANDS[name];
    const text = usage(name);
    assert.ok(text.startsWith(`Usage: dashgate ${name} `));
    for (const word of [...args, ...options.map((option) => `--${option}`), '--help']) {
      assert.ok(text.includes(word), `${name}: ${word}`);
    }
    assert.match(text, /^Exit codes: 0 /m);
  }
});

test('every option belongs to a command', () => {
  const used = new Set<string>(NAMES.flatMap((name) => COMMANDS[name].options));
  const unused = Object.keys(OPTIONS).filter((name) => name !== 'help' && !used.has(name));
  assert.deepEqual(unused, []);
});

test('the README tells of every command that asks the gateway', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  for (const name of ['status', 'drain', 'maint', 'ready', 'weight', 'reload']) {
    assert.match(readme, new RegExp(`npx dashgate ${name}\\b`), name);
  }
});
