import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** Its commands, each in one line with single blanks, as pcs itself would be called. */
function commandsOf(script: string): string[] {
  return script
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.replaceAll(/\s+/g, ' ').replace('$PCS', 'pcs').trim())
    .filter((line) => line.startsWith('pcs '));
}

test('the README has the commands for pcs that test:ha tries', () => {
  const commands = commandsOf(read('packaging/pacemaker/dashgate.pcs'));
  assert.equal(commands.length, 5);
  const told = new Set(commandsOf(read('README.md')));
  for (const command of commands) assert.ok(told.has(command), command);
});

test('crmsh and pcs are told the same operations and the same address', () => {
  const crm = read('packaging/pacemaker/dashgate.crm');
  for (const command of commandsOf(read('packaging/pacemaker/dashgate.pcs'))) {
    for (const [value] of command.matchAll(/[\w-]+=\S+/g)) {
      // How each of them writes a score is its own.
      if (!value.startsWith('score=')) assert.ok(crm.includes(value), value);
    }
  }
});
