import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { decodeToken, encodeToken, isOfEpoch, markOf } from '../../src/cache/cas-token.ts';
import { isPlaceholder, PLACEHOLDER, PLACEHOLDER_FLAGS } from '../../src/cache/placeholder.ts';

describe('the cas tokens of the cache', () => {
  it('give node, epoch and version back', () => {
    for (const mark of [0, 1, markOf('10.0.0.1:11211'), 1023]) {
      for (const epoch of [1, 63, 64, 1000]) {
        for (const version of [1n, 2n ** 40n, 2n ** 48n - 1n]) {
          const token = encodeToken({ mark, epoch, version });
          assert.ok(token < 2n ** 64n);
          const decoded = decodeToken(token);
          assert.deepEqual({ ...decoded, epoch: 0 }, { mark, version, epoch: 0 });
          assert.ok(isOfEpoch(decoded, epoch));
          assert.ok(!isOfEpoch(decoded, epoch + 1));
        }
      }
    }
  });

  it('differ where two nodes have counted the same', () => {
    const tokens = ['a:1', 'b:1', 'c:1'].map((address) =>
      encodeToken({ mark: markOf(address), epoch: 1, version: 7n }),
    );
    assert.equal(new Set(tokens).size, 3);
  });

  it('stay numbers of 64 bits for whatever a client makes up', () => {
    assert.equal(decodeToken(2n ** 64n - 1n).version, 2n ** 48n - 1n);
    assert.ok(encodeToken({ mark: 3, epoch: 1, version: 2n ** 64n - 1n }) < 2n ** 64n);
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
