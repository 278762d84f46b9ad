import assert from 'node:assert/strict';
import { it } from 'node:test';
import { cmemcacheHash, md5Words, murmur3, oneAtATime } from '../../src/memcached/hashes.ts';

const KEY = ':1:django.contrib.sessions.cacheabcdefghijklmnopqrstuvwxyz012345';

it('murmur3 agrees with the published vectors of every tail length', () => {
  const vectors: [string, number, number][] = [
    ['', 0, 0],
    ['', 1, 0x514e28b7],
    ['', 0xffffffff, 0x81f16f39],
    ['a', 0x9747b28c, 0x7fa09ea6],
    ['aa', 0x9747b28c, 0x5d211726],
    ['aaa', 0x9747b28c, 0x283e0130],
    ['aaaa', 0x9747b28c, 0x5a97808a],
    ['Hello, world!', 0x9747b28c, 0x24884cba],
  ];
  for (const [text, seed, expected] of vectors) {
    assert.equal(murmur3(Buffer.from(text), seed), expected, `"${text}" with seed ${seed}`);
  }
});

it('murmur3 gives the scores that pymemcache was seen to give', () => {
  const scores = [21211, 21212, 21213].map((port) =>
    murmur3(Buffer.from(`127.0.0.1:${port}-${KEY}`)),
  );
  assert.deepEqual(scores, [0x4ca55797, 0xc8468370, 0x8e10a57f]);
});

it('one-at-a-time gives what libmemcached was seen to give, and reads bytes as signed', () => {
  assert.equal(oneAtATime(Buffer.from(KEY)), 943557788);
  assert.equal(oneAtATime(Buffer.from('a')), 0xca2e9442);
  // From libmemcached 1.1.4 on x86-64: memcached_generate_hash_value("é").
  assert.equal(oneAtATime(Buffer.from('é')), 26298542);
});

it("python-memcached's hash is never 0", () => {
  assert.equal(cmemcacheHash(KEY), 4939);
  assert.equal(cmemcacheHash(''), 1, 'the CRC of nothing is 0');
});

it('md5 words are little-endian', () => {
  // MD5("") = d41d8cd9 8f00b204 e9800998 ecf8427e
  assert.deepEqual(md5Words(''), [0xd98c1dd4, 0x04b2008f, 0x980980e9, 0x7e42f8ec]);
});
