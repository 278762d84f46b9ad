import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HandshakeTurns } from '../../src/listener/handshake-turns.ts';

/** Turns that come when they are told to. */
function turnsOf(perTurn: number) {
  const next: (() => void)[] = [];
  const begun: string[] = [];
  const turns = new HandshakeTurns(perTurn, (turn) => next.push(turn));
  return {
    begun,
    take: (address: string, name: string) => turns.take(address, () => begun.push(name)),
    turn: () => next.shift()?.(),
    waitsForTurn: () => next.length > 0,
  };
}

test('without a crowd a handshake begins at once', () => {
  const { begun, take, turn } = turnsOf(2);
  take('a', 'a1');
  assert.deepEqual(begun, ['a1']);
  turn();
  take('a', 'a2');
  assert.deepEqual(begun, ['a1', 'a2']);
});

test('of a crowd so many begin in each turn, and all of them in the end', () => {
  const { begun, take, turn, waitsForTurn } = turnsOf(2);
  for (let i = 0; i < 7; i += 1) take('a', `a${i}`);
  const seen = [begun.length];
  while (waitsForTurn()) {
    turn();
    seen.push(begun.length);
  }
  assert.deepEqual(seen, [2, 4, 6, 7, 7]);
  take('a', 'late');
  assert.equal(begun.at(-1), 'late');
});

test('addresses take turns, however many handshakes one of them has', () => {
  const { begun, take, turn } = turnsOf(2);
  for (let i = 0; i < 100; i += 1) take('crowd', `crowd${i}`);
  take('user', 'user');
  turn();
  assert.deepEqual(begun, ['crowd0', 'crowd1', 'crowd2', 'user']);
});

test('who comes in a turn that has begun its share waits behind the others', () => {
  const { begun, take, turn } = turnsOf(1);
  take('a', 'a1');
  take('b', 'b1');
  turn();
  take('c', 'c1');
  assert.deepEqual(begun, ['a1', 'b1']);
  turn();
  assert.deepEqual(begun, ['a1', 'b1', 'c1']);
});
