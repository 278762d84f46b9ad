import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { decodeToken, encodeToken, isOfEpoch, MAX_NODES } from '../../src/cache/cas-token.ts';
import { isPlaceholder, PLACEHOLDER, PLACEHOLDER_FLAGS } from '../../src/cache/placeholder.ts';

describe('the cas tokens of the cache', () => {
  it('give node, epoch and version back', () => {
    for (const node of [0, 1, MAX_NODES - 1]) {
      for (const epoch of [1, 255, 256, 1000]) {
        for (const version of [1n, 2n ** 40n, 2n ** 52n - 1n]) {
          const token = encodeToken({ node, epoch, version });
          assert.ok(token < 2n ** 64n);
          const decoded = decodeToken(token);
          assert.deepEqual({ ...decoded, epoch: 0 }, { node, version, epoch: 0 });
          assert.ok(isOfEpoch(decoded, epoch));
          assert.ok(!isOfEpoch(decoded, epoch + 1));
        }
      }
    }
  });

  it('differ where two nodes have counted the same', () => {
    const tokens = [0, 1, 2].map((node) => encodeToken({ node, epoch: 1, version: 7n }));
    assert.equal(new Set(tokens).size, 3);
  });

  it('stay numbers of 64 bits for whatever a client makes up', () => {
    assert.equal(decodeToken(2n ** 64n - 1n).version, 2n ** 52n - 1n);
    assert.ok(encodeToken({ node: 3, epoch: 1, version: 2n ** 64n - 1n }) < 2n ** 64n);
  });
});

describe('the placeholder', () => {
  it('is None to Python', () => {
    const program = 'import pickle, sys; print(pickle.loads(sys.stdin.buffer.read()))';
    const { stdout } = spawnSync('/usr/bin/python3', ['-c', program], { input: PLACEHOLDER });
    assert.equal(stdout.toString(), 'None\n');
  });

  it('is known by all of its bytes and its flags', () => {
    assert.ok(isPlaceholder({ value: Buffer.from(PLACEHOLDER), flags: PLACEHOLDER_FLAGS }));
    assert.ok(!isPlaceholder({ value: PLACEHOLDER, flags: 0 }));
    const other = Buffer.from(PLACEHOLDER);
    other[10]! ^= 1;
    assert.ok(!isPlaceholder({ value: other, flags: PLACEHOLDER_FLAGS }));
    assert.ok(!isPlaceholder({ value: Buffer.alloc(0), flags: PLACEHOLDER_FLAGS }));
  });
});
