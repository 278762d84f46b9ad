import { ProxyHeaderError, parseProxyHeader } from '../../../src/listener/proxy-protocol.ts';
import type { Endpoints } from '../../../src/upstream/endpoints.ts';
import {
  encodeProxyV1,
  encodeProxyV2,
  PROXY_V2_SIGNATURE,
} from '../../../src/upstream/proxy-header.ts';
import type { Dice } from '../engine/dice.ts';
import { Finding, type Target } from '../engine/target.ts';

const SIGNATURE = PROXY_V2_SIGNATURE.toString('latin1');
const FOUR = '\xc0\0\x02\x01\xc6\x33\x64\x07\xdc\x04\x01\xbb';
const SIX = `\x20\x01\x0d\xb8${'\0'.repeat(11)}\x01${'\0'.repeat(15)}\x01\0\x01\xff\xff`;
/** The most that may be waited for: the longest header that is taken. */
const MOST_BYTES = 16 + 4096;

type Reading = { readonly endpoints?: Endpoints; readonly length: number } | string | undefined;

export const target: Target = {
  oracle: 'our own writer of it; itself, split',
  dictionary: [
    SIGNATURE,
    'PROXY ',
    'PROXY UNKNOWN',
    'TCP4 ',
    'TCP6 ',
    '\r\n',
    '192.0.2.1 ',
    '2001:db8::1 ',
    '::ffff:192.0.2.1 ',
    '65535',
    ' 0',
    '\x21\x11\0\x0c',
    '\x21\x21\0\x24',
    '\x20\0\0\0',
    '\x03\0\x04',
    FOUR,
    SIX,
  ],
  seeds: [
    'PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n',
    'PROXY TCP6 2001:db8::1 ::1 1 65535\r\nrest',
    'PROXY UNKNOWN and more\r\n',
    `${SIGNATURE}\x21\x11\0\x0c${FOUR}`,
    `${SIGNATURE}\x21\x21\0\x24${SIX}rest`,
    `${SIGNATURE}\x21\x11\0\x13${FOUR}\x04\0\x04abcd`,
    `${SIGNATURE}\x21\x11\0\x13${FOUR}\x03\0\x04abcd`,
    `${SIGNATURE}\x20\0\0\x03abc`,
    `${SIGNATURE}\x21\x31\0\xd8${'/run/x.sock\0'.padEnd(216, '\0')}`,
  ],
  maxBytes: 5000,
  generate,
  open: () => ({ check }),
};

function check(input: Buffer, dice: Dice): string {
  const whole = read(input);
  checkPrefixes(input, whole, dice);
  if (whole === undefined) {
    if (input.length >= MOST_BYTES) throw new Finding('a header without bounds is waited for');
    return 'waits';
  }
  if (typeof whole === 'string') return whole;
  if (whole.length > input.length) throw new Finding('more was read than came');
  if (!whole.endpoints) return `no endpoints ${input[0]}`;
  const version = input[0] === 0x50 ? 1 : 2;
  const again = read(
    version === 1 ? encodeProxyV1(whole.endpoints) : encodeProxyV2(whole.endpoints),
  );
  if (typeof again !== 'object' || !same(again.endpoints, whole.endpoints)) {
    throw new Finding('what is read and written is read otherwise', JSON.stringify([whole, again]));
  }
  return `${version} ${whole.endpoints.address.includes(':')} ${whole.length > 60}`;
}

/** Bytes are read anew as more come: what comes of few is what comes of all, or waits. */
function checkPrefixes(input: Buffer, whole: Reading, dice: Dice): void {
  const stride = input.length < 200 ? 1 : 1 + dice.below(200);
  for (let end = 1; end < input.length; end += stride) {
    const part = read(input.subarray(0, end));
    if (part === undefined) continue;
    if (!same(part, whole)) {
      throw new Finding('splits change the outcome', JSON.stringify([end, part, whole]));
    }
    return;
  }
}

function read(bytes: Buffer): Reading {
  try {
    return parseProxyHeader(bytes) as Reading;
  } catch (error) {
    if (error instanceof ProxyHeaderError) return error.message;
    throw error;
  }
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Version 2 with lengths that fit, or nearly. */
function generate(dice: Dice): Buffer {
  const family = dice.pick([0x00, 0x11, 0x11, 0x12, 0x21, 0x21, 0x31]);
  const sizes: Record<number, number> = { 0: 0, 1: 12, 2: 36, 3: 216 };
  const octets = (count: number) =>
    Buffer.from(Array.from({ length: count }, () => dice.below(256)));
  const parts = [octets(sizes[family >> 4]!)];
  for (let left = dice.below(4); left > 0; left -= 1) {
    const value = octets(dice.pick([0, 1, 4, 30]));
    parts.push(Buffer.from([dice.pick([1, 2, 3, 4, 5, 0x20, 0xea]), 0, value.length]), value);
  }
  const body = Buffer.concat(parts);
  const fixed = Buffer.of(
    dice.pick([0x21, 0x21, 0x20]),
    family,
    body.length >> 8,
    body.length & 0xff,
  );
  return Buffer.concat([PROXY_V2_SIGNATURE, fixed, body, octets(dice.below(3))]);
}
