import {
  casBytesRequest,
  countRequest,
  deleteBytesRequest,
  getsManyRequest,
  getsRequest,
  metaRequest,
  statsRequest,
  storeRequest,
  touchBytesRequest,
} from '../../../src/memcached/byte-requests.ts';
import {
  casRequest,
  conditionalStoreRequest,
  counterRequest,
  deleteRequest,
  fetchRequest,
  MORE,
  type Request,
  touchRequest,
  versionRequest,
} from '../../../src/memcached/protocol.ts';
import { MalformedReply, type Reply, ReplyParser } from '../../../src/memcached/reply-parser.ts';
import type { Dice } from '../engine/dice.ts';
import { Finding, type Target } from '../engine/target.ts';
import { type ReplyLimits, readByTheLetter, readReplies } from '../oracles/memcached-replies.ts';
import { readInPieces } from '../oracles/splits.ts';

const KEYS = ['a', 'b', 'cc'] as const;
const VALUE = Buffer.from('x');
/** Values are short here, and those beyond the limit as well. */
const MAX_VALUE_BYTES = 64;

/** Each command that is sent to nodes, by the letter that an input begins with. */
const REQUESTS: Readonly<Record<string, () => Request<unknown>>> = {
  a: () => fetchRequest('get', KEYS),
  b: () => fetchRequest('gets', KEYS),
  c: () => conditionalStoreRequest('add', 'a', VALUE, {}, 0),
  d: () => casRequest('a', VALUE, 1n, {}, 0),
  e: () => deleteRequest('a'),
  f: () => touchRequest('a', 1, 0),
  g: () => counterRequest('incr', 'a', 1),
  h: () => versionRequest(),
  i: () => getsRequest('a'),
  j: () => getsManyRequest(KEYS),
  k: () => storeRequest('set', 'a', VALUE, 0, 0),
  l: () => casBytesRequest('a', VALUE, 1n, 0, 0),
  m: () => deleteBytesRequest('a'),
  n: () => touchBytesRequest('a', 0),
  o: () => countRequest('decr', 'a', 1n),
  p: () => metaRequest('mg', 'a', ['v']),
  q: () => statsRequest(),
};

export const target: Target = {
  oracle: "a reader to the letter of memcached's protocol.txt; itself, split",
  dictionary: [
    '\r\n',
    'END\r\n',
    'STORED\r\n',
    'NOT_FOUND\r\n',
    'EN\r\n',
    'HD c12 t-1\r\n',
    'VALUE a 0 1\r\nx\r\n',
    'VALUE b 4294967295 3 18446744073709551615\r\nx\r\n\r\n',
    'VALUE \xc3\xa9 0 0\r\n\r\n',
    'VALUE ',
    'VA 1 ka\r\nx\r\n',
    'VA 0\r\n\r\n',
    'STAT pid 1\r\n',
    'VERSION 1.6.18\r\n',
    'SERVER_ERROR out of memory\r\n',
    ' 64\r\n',
    ' 65\r\n',
    ' ',
  ],
  seeds: [
    'aVALUE a 0 1\r\nx\r\nVALUE cc 7 2\r\nxy\r\nEND\r\n',
    'bVALUE a 0 1 5\r\nx\r\nVALUE b 0 0 6\r\n\r\nEND\r\n',
    'bVALUE b 0 1 5\r\nx\r\nVALUE a 0 1 6\r\nx\r\nEND\r\n',
    'cNOT_STORED\r\n',
    'dEXISTS\r\n',
    'eDELETED\r\nDELETED\r\n',
    'g18446744073709551615\r\n',
    'hVERSION 1.6.18\r\n',
    'iVALUE a 0 1 5\r\nx\r\nEND\r\n',
    'pVA 3 t-1 f0\r\nVA \r\n',
    'pHD c5\r\n',
    'qSTAT a b c\r\nSTAT d \r\nEND\r\n',
    `a${'x'.repeat(2045)}\r\nEND\r\n`,
  ],
  generate,
  open: () => ({ check }),
};

function check(input: Buffer, dice: Dice): string {
  const bytes = Buffer.from(input.subarray(1));
  let outcome = '';
  for (const encoding of ['utf8', 'latin1'] as const) {
    const limits: ReplyLimits = { maxValueBytes: MAX_VALUE_BYTES, encoding };
    const read = readInPieces(bytes, dice, (chunks) => readReplies(chunks, limits));
    const expected = JSON.stringify(readByTheLetter(bytes, limits));
    if (JSON.stringify(read) !== expected) {
      throw new Finding('protocol.txt has other replies', JSON.stringify([read, expected]));
    }
    outcome = `${Math.min(read.replies.length, 4)} ${read.malformed}`;
  }
  const letter = String.fromCharCode(input[0] ?? 0);
  const request = Object.hasOwn(REQUESTS, letter) ? REQUESTS[letter] : undefined;
  return request ? `${outcome} ${letter} ${answerOf(request(), bytes)}` : outcome;
}

/** What a request makes of the replies; never the item of a key that it did not ask for. */
function answerOf(request: Request<unknown>, bytes: Buffer): string {
  try {
    for (const reply of repliesIn(bytes)) {
      const result = request.read(reply);
      if (result === MORE) continue;
      checkResult(request, result);
      return result instanceof Map ? `${result.size}` : typeof result;
    }
    return 'waits';
  } catch (error) {
    if (error instanceof MalformedReply) return error.message.replaceAll(/\d+/g, '#');
    throw error;
  }
}

function* repliesIn(bytes: Buffer): Generator<Reply> {
  yield* new ReplyParser({ maxValueBytes: MAX_VALUE_BYTES }).push(bytes);
}

function checkResult(request: Request<unknown>, result: unknown): void {
  const asked = request.bytes.toString().trimEnd().split(' ').slice(1);
  if (!(result instanceof Map) || asked.length === 0) return;
  for (const [key, item] of result) {
    if (!asked.includes(key)) throw new Finding('an item that nobody asked for', key);
    const { value, flags } = item as { value: Buffer; flags: number };
    if (value.length > MAX_VALUE_BYTES || flags > 0xffff_ffff) throw new Finding('no bounds');
  }
}

/** Replies that are sound for the most part. */
function generate(dice: Dice): Buffer {
  const letter = dice.pick(Object.keys(REQUESTS));
  const parts: string[] = [];
  for (let left = 1 + dice.below(5); left > 0; left -= 1) {
    const value = '\r\nVALUE x\0\xff'.slice(0, dice.below(12));
    const length = dice.chance(0.9) ? value.length : dice.below(70);
    const number = dice.pick(['0', '1', '4294967295', '4294967296', '01', '-1', '']);
    const cas = dice.pick(['', ` ${dice.below(9)}`, ' 18446744073709551615']);
    parts.push(
      dice.pick([
        `VALUE ${dice.pick(KEYS)} ${number} ${length}${cas}\r\n${value}\r\n`,
        `VALUE ${dice.pick(KEYS)} 0 ${length}${cas}\r\n${value}\r\n`,
        `VA ${length} k${dice.pick(KEYS)}\r\n${value}\r\n`,
        `STAT ${dice.pick(KEYS)} ${number}\r\n`,
        'END\r\n',
        `${number}\r\n`,
        dice.pick(target.dictionary),
      ]),
    );
  }
  return Buffer.from(letter + parts.join(''), 'latin1');
}
