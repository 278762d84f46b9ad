import { ProtocolError, UnavailableError } from '../memcached/client.ts';
import type { CachedItem } from './cache-store.ts';

/** The bytes of one answer; several buffers where joining them would copy a large value. */
export type Reply = Buffer | readonly Buffer[];

/** Up to this size a value is copied to leave with its head in one buffer, in bytes. */
const COPIED_BYTES = 16 * 1024;
const NOTHING = Buffer.alloc(0);
const CRLF = Buffer.from('\r\n');
const END = Buffer.from('END\r\n');
const CRLF_END = Buffer.from('\r\nEND\r\n');

/** The lines of the protocol that never change, encoded once. */
export const REPLIES = {
  nothing: NOTHING,
  end: END,
  stored: line('STORED'),
  notStored: line('NOT_STORED'),
  exists: line('EXISTS'),
  notFound: line('NOT_FOUND'),
  deleted: line('DELETED'),
  touched: line('TOUCHED'),
  ok: line('OK'),
  reset: line('RESET'),
  metaNoOp: line('MN'),
  error: line('ERROR'),
  badFormat: line('CLIENT_ERROR bad command line format'),
  badDelete: line('CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]'),
  badData: line('CLIENT_ERROR bad data chunk'),
  badExptime: line('CLIENT_ERROR invalid exptime argument'),
  badDelta: line('CLIENT_ERROR invalid numeric delta argument'),
  flagsTooLong: line('CLIENT_ERROR options flags too long'),
  flushRefused: line('CLIENT_ERROR flush_all not allowed'),
  delayedFlush: line('CLIENT_ERROR flush_all takes no delay here'),
  tooLarge: line('SERVER_ERROR object too large for cache'),
  shutdownRefused: line('ERROR: shutdown not enabled'),
  tooManyConnections: line('ERROR Too many open connections'),
} as const;

/** A line of Latin-1 characters, with its end. */
export function line(text: string): Buffer {
  return Buffer.from(`${text}\r\n`, 'latin1');
}

/** The answer to a `get` of one key. */
export function itemReply(key: string, item: CachedItem | undefined, withCas: boolean): Reply {
  return item === undefined ? END : block(valueLine(key, item, withCas), item.value, CRLF_END);
}

/** The items of several keys, in the order asked, as often as asked; `END` unless more follow. */
export function itemsReply(
  keys: readonly string[],
  items: ReadonlyMap<string, CachedItem>,
  withCas: boolean,
  last: boolean,
): Reply {
  const parts: Buffer[] = [];
  for (const key of keys) {
    const item = items.get(key);
    if (item === undefined) continue;
    const part = block(valueLine(key, item, withCas), item.value, CRLF);
    if (Buffer.isBuffer(part)) parts.push(part);
    else parts.push(...part);
  }
  if (last) parts.push(END);
  return parts;
}

/** A line, and the value that follows it. */
export function valueReply(text: string, value: Buffer): Reply {
  return block(`${text}\r\n`, value, CRLF);
}

/** The line for a failure of the store: the cause and the remedy, without key or value. */
export function failureLine(error: unknown): string {
  if (error instanceof UnavailableError) {
    return 'SERVER_ERROR no memcached node that holds this key answers: check MEMCACHED_SERVERS and its nodes';
  }
  if (error instanceof ProtocolError) {
    const { line } = error;
    if (line !== undefined && /^(?:CLIENT|SERVER)_ERROR [\x20-\x7e]{1,200}$/.test(line))
      return line;
    return 'SERVER_ERROR a memcached node gave an answer that is not the protocol: see the log of the cache';
  }
  return 'SERVER_ERROR internal error: see the log of the cache';
}

export function replyBytes(reply: Reply): number {
  if (Buffer.isBuffer(reply)) return reply.length;
  return reply.reduce((sum, { length }) => sum + length, 0);
}

function valueLine(key: string, { flags, value, cas }: CachedItem, withCas: boolean): string {
  const head = `VALUE ${key} ${flags} ${value.length}`;
  return withCas ? `${head} ${cas}\r\n` : `${head}\r\n`;
}

function block(head: string, value: Buffer, tail: Buffer): Reply {
  if (value.length > COPIED_BYTES) return [Buffer.from(head, 'latin1'), value, tail];
  const bytes = Buffer.allocUnsafe(head.length + value.length + tail.length);
  bytes.write(head, 'latin1');
  bytes.set(value, head.length);
  bytes.set(tail, head.length + value.length);
  return bytes;
}
