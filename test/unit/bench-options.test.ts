import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readOptions } from '../bench/options.ts';

const peersOf = (...args: string[]) => readOptions(args).peers.map(({ name }) => name);

test('rounds may be shorter than a second, so that a busy host hits all peers alike', () => {
  assert.equal(readOptions(['--seconds', '0.3']).effort.seconds, 0.3);
  for (const wrong of ['0', '0.05', '1.25', '61', '-1', 'long', '']) {
    assert.throws(() => readOptions([`--seconds=${wrong}`]), {
      message: `--seconds takes a number from 0.1 to 60, with one decimal at most, not "${wrong}"`,
    });
  }
});

test('a round takes a second, so that turns which are compared see the same host', () => {
  const { effort } = readOptions([]);
  assert.deepEqual([effort.rounds, effort.seconds], [15, 1]);
  assert.equal(readOptions(['--quick']).effort.rounds, 2);
});

test('a quick run compares what Dashgate takes the place of, unless others are asked for', () => {
  assert.deepEqual(peersOf('--quick'), ['dashgate', 'haproxy', 'hitch+haproxy']);
  assert.deepEqual(peersOf('--quick', '--peers', 'dashgate,nginx'), ['dashgate', 'nginx']);
  assert.deepEqual(peersOf(), ['dashgate', 'haproxy', 'hitch+haproxy', 'nginx', 'middleware']);
});

test('what takes longer to be as it stays warms up for longer: handshakes, and heaps full of tunnels', () => {
  const { groups } = readOptions([]);
  const longer = groups.filter(({ workloads }) => workloads.some(({ warmUp = 1 }) => warmUp > 1));
  assert.deepEqual(
    longer.map(({ name }) => name),
    ['handshake', 'idle'],
  );
  // What is compared is warmed up alike.
  for (const { workloads } of groups) {
    assert.equal(new Set(workloads.map(({ warmUp }) => warmUp)).size, 1);
  }
});
