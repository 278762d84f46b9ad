import { MalformedReply, type Reply, ReplyParser } from '../../../src/memcached/reply-parser.ts';

/** What comes of the bytes that a node sends. */
export interface RepliesRead {
  readonly replies: readonly unknown[];
  /** The stream is lost after them. */
  readonly malformed: boolean;
}

export interface ReplyLimits {
  readonly maxValueBytes: number;
  readonly encoding: 'utf8' | 'latin1';
}

/** The longest line that is taken, its end included. */
const MOST_LINE_BYTES = 2048;
const NUMBER = /^[0-9]+$/;

/** What our parser makes of some chunks, values in hexadecimal. */
export function readReplies(chunks: readonly Buffer[], limits: ReplyLimits): RepliesRead {
  const parser = new ReplyParser(limits);
  const replies: Reply[] = [];
  let malformed = false;
  try {
    for (const chunk of chunks) for (const reply of parser.push(chunk)) replies.push(reply);
  } catch (error) {
    if (!(error instanceof MalformedReply)) throw error;
    malformed = true;
  }
  return { replies: replies.map(plain), malformed };
}

/** A reply as both readers tell it, whatever it is made of. */
export function plain(reply: Reply): unknown {
  if (reply.kind === 'line') return [reply.line];
  const text = reply.skipped === undefined ? reply.value.toString('hex') : skipped(reply.skipped);
  if (reply.kind === 'meta') return [reply.line, text];
  return [reply.key, reply.flags, String(reply.cas ?? ''), text];
}

/** The same by memcached's `protocol.txt`, from the bytes as a whole, one reply after the other. */
export function readByTheLetter(bytes: Buffer, limits: ReplyLimits): RepliesRead {
  const replies: unknown[] = [];
  let rest = bytes;
  const malformed = () => ({ replies, malformed: true });
  for (;;) {
    const feed = rest.indexOf('\n');
    if ((feed < 0 ? rest.length : feed + 1) > MOST_LINE_BYTES) return malformed();
    if (feed < 0) return { replies, malformed: false };
    if (feed === 0 || rest[feed - 1] !== 0x0d) return malformed();
    const line = rest.toString(limits.encoding, 0, feed - 1);
    rest = rest.subarray(feed + 1);
    const [word, ...words] = line.split(' ');
    const told = word === 'VALUE' && words.length > 0 ? valueLine(words) : metaLine(line);
    if (told === undefined) return malformed();
    if (told.length < 0) {
      replies.push([line]);
      continue;
    }
    if (rest.length < told.length + 2) return { replies, malformed: false };
    if (rest.toString('latin1', told.length, told.length + 2) !== '\r\n') return malformed();
    const isOver = told.length > limits.maxValueBytes;
    const text = isOver ? skipped(told.length) : rest.toString('hex', 0, told.length);
    replies.push([...told.head, text]);
    rest = rest.subarray(told.length + 2);
  }
}

function skipped(length: number): string {
  return `${length} bytes, skipped`;
}

/** `VALUE <key> <flags> <bytes> [<cas unique>]`; undefined for what only begins so. */
function valueLine(words: readonly string[]): { head: unknown[]; length: number } | undefined {
  const [key = '', flags = '', length = '', cas] = words;
  if (key === '' || words.length < 3 || words.length > 4) return undefined;
  const within = (word: string, digits: number, bound: bigint) =>
    NUMBER.test(word) && word.length <= digits && BigInt(word) < bound;
  if (!within(flags, 10, 1n << 32n) || !within(length, 10, 1n << 64n)) return undefined;
  if (cas !== undefined && !within(cas, 20, 1n << 64n)) return undefined;
  const told = cas === undefined ? '' : String(BigInt(cas));
  return { head: [key, Number(flags), told], length: Number(length) };
}

/** `VA <size> <flags>*`; a length below 0 for a line that no value follows. */
function metaLine(line: string): { head: unknown[]; length: number } {
  const [word, length = ''] = line.split(' ');
  const follows = word === 'VA' && NUMBER.test(length) && length.length <= 10;
  return { head: [line], length: follows ? Number(length) : -1 };
}
