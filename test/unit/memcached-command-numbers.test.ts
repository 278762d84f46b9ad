import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readInt32, readUint32, readUint64 } from '../../src/memcached/command-numbers.ts';

const NO_NUMBERS = ['', 'x', '1x', ' 1', '1 ', '1.5', '1e3', '0x1', '--1', '+', '-', '١', '1\t'];

it('reads numbers as memcached does, cut to their size', () => {
  for (const [word, number] of [
    ['0', 0],
    ['007', 7],
    [`${'0'.repeat(30)}7`, 7],
    ['+7', 7],
    ['4294967295', 4_294_967_295],
    ['4294967296', 0],
    ['18446744073709551615', 4_294_967_295],
    ['18446744073709551616', undefined],
    ['-1', undefined],
  ] as const) {
    assert.equal(readUint32(word), number, word);
  }
  for (const [word, number] of [
    ['0', 0],
    ['-1', -1],
    [`-${'0'.repeat(30)}1`, -1],
    ['+1', 1],
    ['2147483647', 2_147_483_647],
    ['2147483648', -2_147_483_648],
    ['4294967296', 0],
    ['9223372036854775807', -1],
    ['9223372036854775808', undefined],
    ['-9223372036854775808', 0],
    ['-9223372036854775809', undefined],
  ] as const) {
    assert.equal(readInt32(word), number, word);
  }
  for (const [word, number] of [
    ['0', 0n],
    ['+1', 1n],
    [`+${'0'.repeat(30)}1`, 1n],
    ['18446744073709551615', 2n ** 64n - 1n],
    ['18446744073709551616', undefined],
    ['-1', undefined],
  ] as const) {
    assert.equal(readUint64(word), number, word);
  }
});

it('reads nothing else as a number', () => {
  for (const word of NO_NUMBERS) {
    assert.equal(readUint32(word), undefined, JSON.stringify(word));
    assert.equal(readInt32(word), undefined, JSON.stringify(word));
    assert.equal(readUint64(word), undefined, JSON.stringify(word));
  }
});
