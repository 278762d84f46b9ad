import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConsoleTokens } from '../../src/demo/console-token.ts';

test('a token opens consoles that share the secret, for ten minutes', () => {
  let now = 1_000_000;
  const issuer = new ConsoleTokens('secret', () => now);
  const checker = new ConsoleTokens('secret', () => now);
  const token = issuer.issue('web-1');
  assert.equal(checker.check(token), true);
  now += 599_999;
  assert.equal(checker.check(token), true);
  now += 1;
  assert.equal(checker.check(token), false);
});

test('a token that was made up, changed or signed with another secret opens nothing', () => {
  const tokens = new ConsoleTokens('secret');
  const token = tokens.issue('web-1');
  const [claim, signature] = token.split('.');
  const longer = Buffer.from(`${Date.now() * 2}.web-1`).toString('base64url');
  for (const bad of [
    '',
    '.',
    'undefined',
    claim!,
    `${claim}.`,
    `${longer}.${signature}`,
    `${claim}.${signature!.slice(1)}`,
    `${claim}.${'A'.repeat(signature!.length)}`,
    new ConsoleTokens('other').issue('web-1'),
  ]) {
    assert.equal(tokens.check(bad), false, bad);
  }
});
