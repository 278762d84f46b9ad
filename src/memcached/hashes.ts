import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** MurmurHash3 x86 32-bit (Austin Appleby, public domain), as an unsigned 32-bit number. */
export function murmur3(bytes: Uint8Array, seed = 0): number {
  const bodyEnd = bytes.length & ~3;
  let state = seed;
  for (let at = 0; at < bodyEnd; at += 4) {
    state ^= scramble(littleEndianWord(bytes, at));
    state = (state << 13) | (state >>> 19);
    state = (Math.imul(state, 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let at = bytes.length - 1; at >= bodyEnd; at--) tail = (tail << 8) | bytes[at]!;
  if (bodyEnd < bytes.length) state ^= scramble(tail);

  state ^= bytes.length;
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return (state ^ (state >>> 16)) >>> 0;
}

function scramble(word: number): number {
  const product = Math.imul(word, 0xcc9e2d51);
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593);
}

function littleEndianWord(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/**
 * Bob Jenkins's one-at-a-time hash as libhashkit computes it (`one_at_a_time.cc`): it reads bytes
 * as C `char`, which is signed on x86; unsigned 32-bit result.
 */
export function oneAtATime(bytes: Uint8Array): number {
  let value = 0;
  for (const byte of bytes) {
    const signed = (byte << 24) >> 24;
    value = (value + signed) | 0;
    value = (value + (value << 10)) | 0;
    value ^= value >>> 6;
  }
  value = (value + (value << 3)) | 0;
  value ^= value >>> 11;
  return (value + (value << 15)) >>> 0;
}

/** python-memcached's `cmemcache_hash`: the 15 upper middle bits of the CRC-32; never 0. */
export function cmemcacheHash(text: string): number {
  return (crc32(text) >>> 16) & 0x7fff || 1;
}

/** The four little-endian 32-bit words of an MD5 digest. */
export function md5Words(text: string): readonly [number, number, number, number] {
  const digest = hash('md5', text, 'buffer');
  return [
    digest.readUInt32LE(0),
    digest.readUInt32LE(4),
    digest.readUInt32LE(8),
    digest.readUInt32LE(12),
  ];
}
