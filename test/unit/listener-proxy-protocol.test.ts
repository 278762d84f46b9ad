import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32c } from '../../src/listener/crc32c.ts';
import {
  type ProxyHeader,
  ProxyHeaderError,
  parseProxyHeader,
} from '../../src/listener/proxy-protocol.ts';
import type { Endpoints } from '../../src/upstream/endpoints.ts';
import { encodeProxyV1, encodeProxyV2 } from '../../src/upstream/proxy-header.ts';

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const REST = Buffer.from('PROXY \r\n\r\n\0\r\nQUIT\n the first bytes of the client itself');

const FOUR: Endpoints = {
  address: '192.0.2.1',
  port: 56_324,
  localAddress: '198.51.100.7',
  localPort: 443,
};
const SIX: Endpoints = { address: '2001:db8::1', port: 1, localAddress: '::1', localPort: 65_535 };

const FOUR_BYTES = Buffer.from('c0000201c6336407dc0401bb', 'hex');
const SIX_BYTES = Buffer.from(
  `20010db8${'0'.repeat(23)}1${'0'.repeat(31)}1${'0001'}${'ffff'}`,
  'hex',
);

/** A header of version 2 of any fields. */
function v2(command: number, family: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const fixed = Buffer.of(command, family, body.length >> 8, body.length & 0xff);
  return Buffer.concat([SIGNATURE, fixed, body]);
}

function tlv(type: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.of(type, value.length >> 8, value.length & 0xff), value]);
}

/** A header whose last TLV is its checksum. */
function checked(...tlvs: Buffer[]): Buffer {
  const header = v2(0x21, 0x11, FOUR_BYTES, ...tlvs, tlv(0x03, Buffer.alloc(4)));
  header.writeUInt32BE(crc32c(header), header.length - 4);
  return header;
}

const spoilt = checked();
spoilt[20]! ^= 1;

const GOOD: Record<string, [Buffer, Endpoints | undefined]> = {
  'v1 TCP4': [Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n'), FOUR],
  'v1 TCP6': [Buffer.from('PROXY TCP6 2001:db8::1 ::1 1 65535\r\n'), SIX],
  'v1 TCP6 in another spelling': [Buffer.from('PROXY TCP6 2001:0DB8:0::1 0::1 1 65535\r\n'), SIX],
  'v1 TCP6 of the greatest length': [
    Buffer.from(`PROXY TCP6 ${'ffff:'.repeat(7)}ffff ${'ffff:'.repeat(7)}ffff 65535 65535\r\n`),
    {
      address: `${'ffff:'.repeat(7)}ffff`,
      port: 65_535,
      localAddress: `${'ffff:'.repeat(7)}ffff`,
      localPort: 65_535,
    },
  ],
  'v1 UNKNOWN': [Buffer.from('PROXY UNKNOWN\r\n'), undefined],
  'v1 UNKNOWN with 107 bytes': [Buffer.from(`PROXY UNKNOWN ${'x'.repeat(91)}\r\n`), undefined],
  'v2 TCP4': [v2(0x21, 0x11, FOUR_BYTES), FOUR],
  'v2 TCP6': [v2(0x21, 0x21, SIX_BYTES), SIX],
  'v2 TCP6 with IPv4-mapped addresses': [
    v2(
      0x21,
      0x21,
      Buffer.from(`${'0'.repeat(20)}ffffc0000201${'0'.repeat(20)}ffffc6336407dc0401bb`, 'hex'),
    ),
    FOUR,
  ],
  'v2 with TLVs': [v2(0x21, 0x11, FOUR_BYTES, tlv(1, Buffer.from('h2')), tlv(4, REST)), FOUR],
  'v2 with a checksum': [checked(tlv(2, Buffer.from('console.example'))), FOUR],
  'v2 of the greatest length': [v2(0x21, 0x11, FOUR_BYTES, tlv(4, Buffer.alloc(4_081))), FOUR],
  'v2 LOCAL': [v2(0x20, 0x00), undefined],
  'v2 LOCAL with what is to be skipped': [v2(0x20, 0xff, Buffer.from('anything')), undefined],
  'v2 LOCAL of a family': [v2(0x20, 0x11, Buffer.from('anything at all')), undefined],
  'v2 UNSPEC': [v2(0x21, 0x00), undefined],
  'v2 UNSPEC with what is to be skipped': [v2(0x21, 0x00, Buffer.from('anything')), undefined],
  'v2 TCP4 of unspecified transport': [v2(0x21, 0x10, FOUR_BYTES), undefined],
  'v2 UDP4': [v2(0x21, 0x12, FOUR_BYTES), undefined],
  'v2 Unix stream': [v2(0x21, 0x31, Buffer.alloc(216, '/run/x.sock')), undefined],
};

const BAD: Record<string, Buffer> = {
  'another protocol': Buffer.from('GET / HTTP/1.1\r\nhost: a\r\n\r\n'),
  'a TLS handshake': Buffer.from('16030100c8010000c40303', 'hex'),
  'lower case': Buffer.from('proxy TCP4 192.0.2.1 198.51.100.7 56324 443\r\n'),
  'a bare LF': Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\n'),
  'a bare CR': Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\rGET\r\n'),
  'a bare CR after UNKNOWN': Buffer.from('PROXY UNKNOWN x\ry\r\n'),
  'two blanks': Buffer.from('PROXY TCP4  192.0.2.1 198.51.100.7 56324 443\r\n'),
  'a blank at the end': Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.7 56324 443 \r\n'),
  'no ports': Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.7\r\n'),
  'a port with a leading zero': Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.7 056 443\r\n'),
  'a port too great': Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.7 65536 443\r\n'),
  'a negative port': Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.7 -1 443\r\n'),
  'an octal address': Buffer.from('PROXY TCP4 192.0.02.1 198.51.100.7 56324 443\r\n'),
  'an address too great': Buffer.from('PROXY TCP4 192.0.2.256 198.51.100.7 56324 443\r\n'),
  'a short address': Buffer.from('PROXY TCP4 192.0.2 198.51.100.7 56324 443\r\n'),
  'an address of the other family': Buffer.from('PROXY TCP4 ::1 ::1 56324 443\r\n'),
  'IPv4 in TCP6': Buffer.from('PROXY TCP6 192.0.2.1 192.0.2.2 56324 443\r\n'),
  'an address with a zone': Buffer.from('PROXY TCP6 fe80::1%eth0 ::1 56324 443\r\n'),
  'another transport': Buffer.from('PROXY UDP4 192.0.2.1 198.51.100.7 56324 443\r\n'),
  'UNKNOWN of 108 bytes': Buffer.from(`PROXY UNKNOWN ${'x'.repeat(92)}\r\n`),
  'a line without end': Buffer.from(`PROXY TCP4 ${'1'.repeat(200)}`),
  'an empty line': Buffer.from('PROXY \r\n'),
  'version 3': v2(0x31, 0x11, FOUR_BYTES),
  'an unknown command': v2(0x22, 0x11, FOUR_BYTES),
  'an unknown family': v2(0x21, 0x41, Buffer.alloc(216)),
  'an unknown transport': v2(0x21, 0x13, FOUR_BYTES),
  'IPv4 addresses cut off': v2(0x21, 0x11, FOUR_BYTES.subarray(1)),
  'IPv6 addresses cut off': v2(0x21, 0x21, SIX_BYTES.subarray(1)),
  'Unix addresses cut off': v2(0x21, 0x31, Buffer.alloc(215)),
  'more than the greatest length': v2(0x21, 0x11, FOUR_BYTES, tlv(4, Buffer.alloc(4_082))),
  'LOCAL of more than the greatest length': v2(0x20, 0x00, Buffer.alloc(4_097)),
  'a TLV without its length': v2(0x21, 0x11, FOUR_BYTES, Buffer.of(4, 0)),
  'a TLV longer than the header': v2(0x21, 0x11, FOUR_BYTES, Buffer.of(4, 0, 2, 0)),
  'a wrong checksum': spoilt,
  'a checksum of 3 bytes': v2(0x21, 0x11, FOUR_BYTES, tlv(3, Buffer.alloc(3))),
  'an empty checksum': v2(0x21, 0x11, FOUR_BYTES, tlv(3, Buffer.alloc(0))),
};

/** What comes of bytes: a header, or the message of the error; undefined where more has to come. */
function outcome(bytes: Buffer): ProxyHeader | string | undefined {
  try {
    return parseProxyHeader(bytes);
  } catch (error) {
    assert.ok(error instanceof ProxyHeaderError, String(error));
    return error.message;
  }
}

for (const [name, [bytes, endpoints]] of Object.entries(GOOD)) {
  test(`takes ${name}, and no byte of what follows it`, () => {
    const expected = { endpoints, length: bytes.length };
    assert.deepEqual(parseProxyHeader(Buffer.concat([bytes, REST])), expected);
    assert.deepEqual(parseProxyHeader(bytes), expected);
  });
}

for (const [name, bytes] of Object.entries(BAD)) {
  test(`refuses ${name}`, () => {
    assert.throws(() => parseProxyHeader(bytes), ProxyHeaderError);
  });
}

test('the outcome is the same wherever the bytes are split', () => {
  const all = [...Object.values(GOOD).map(([bytes]) => bytes), ...Object.values(BAD)];
  for (const bytes of all) {
    const whole = Buffer.concat([bytes, REST]);
    const expected = outcome(whole);
    assert.notEqual(expected, undefined);
    for (let length = 0; length < whole.length; length++) {
      const early = outcome(whole.subarray(0, length));
      if (early !== undefined)
        assert.deepEqual(early, expected, `${length} of ${bytes.toString('latin1')}`);
    }
  }
});

test('never asks for more than 4,112 bytes', () => {
  for (const length of [0, 12, 4_096, 4_097, 65_535]) {
    const header = Buffer.alloc(16 + 65_535);
    Buffer.concat([SIGNATURE, Buffer.of(0x20, 0)]).copy(header);
    header.writeUInt16BE(length, 14);
    assert.notEqual(outcome(header.subarray(0, 4_112)), undefined, String(length));
  }
  assert.notEqual(outcome(Buffer.from(`PROXY UNKNOWN ${' '.repeat(93)}`)), undefined);
});

test('what is written is what is read, in both versions, for any two addresses', () => {
  const random = generator(20_26);
  for (let round = 0; round < 2_000; round++) {
    const endpoints = {
      address: randomAddress(random),
      port: random(65_536),
      localAddress: randomAddress(random),
      localPort: random(65_536),
    };
    for (const encode of [encodeProxyV1, encodeProxyV2]) {
      const bytes = encode(endpoints);
      assert.deepEqual(parseProxyHeader(bytes), { endpoints, length: bytes.length });
    }
  }
});

test('writes what the protocol says, to the byte', () => {
  assert.equal(String(encodeProxyV1(FOUR)), String(GOOD['v1 TCP4']![0]));
  assert.equal(String(encodeProxyV1(SIX)), String(GOOD['v1 TCP6']![0]));
  assert.deepEqual(encodeProxyV2(FOUR), GOOD['v2 TCP4']![0]);
  assert.deepEqual(encodeProxyV2(SIX), GOOD['v2 TCP6']![0]);
  assert.equal(String(encodeProxyV1(undefined)), 'PROXY UNKNOWN\r\n');
  assert.deepEqual(encodeProxyV2(undefined), v2(0x20, 0x00));
  const mixed = { ...FOUR, address: '::FFFF:192.0.2.1', localAddress: '::1' };
  assert.equal(String(encodeProxyV1(mixed)), 'PROXY TCP6 ::ffff:192.0.2.1 ::1 56324 443\r\n');
  assert.throws(() => encodeProxyV2({ ...FOUR, address: 'fe80::1%eth0' }), /no IP address/);
});

test('no mutation of a header makes the parser fail in another way than its own', () => {
  const random = generator(7);
  const seeds = [...Object.values(GOOD).map(([bytes]) => bytes), ...Object.values(BAD)];
  let refused = 0;
  for (let round = 0; round < 20_000; round++) {
    const bytes = Buffer.from(seeds[random(seeds.length)]!);
    for (let change = random(4); change >= 0; change--) bytes[random(bytes.length)] = random(256);
    if (typeof outcome(bytes.subarray(0, random(bytes.length + 1))) === 'string') refused++;
  }
  assert.ok(refused > 1_000);
});

test('CRC32C is that of RFC 3720 appendix B.4', () => {
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
  assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa);
  assert.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43);
  assert.equal(crc32c(Buffer.alloc(0)), 0);
});

/** Numbers below a bound, the same ones for the same seed (xorshift32). */
function generator(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}

/** Some address in canonical text (RFC 5952): any IPv4, or IPv6 with none to seven zero groups. */
function randomAddress(random: (bound: number) => number): string {
  if (random(2) === 0) return Array.from({ length: 4 }, () => random(256)).join('.');
  const groups = Array.from({ length: 8 }, (_, index) =>
    (index === 0 || random(3) > 0 ? random(65_535) + 1 : 0).toString(16),
  );
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
