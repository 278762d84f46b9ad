import type { Item, StoreOptions } from './client.ts';
import { MalformedReply, type Reply } from './reply-parser.ts';

/** What a reader answers while the reply has further parts. */
export const MORE = Symbol('more');

/**
 * One command, encoded, and how its reply is read. `read` is handed the parts of the reply in
 * order until it gives the result; it throws {@link MalformedReply} at what is no answer to this
 * command. It may keep what it has seen, so a request is sent once.
 */
export interface Request<T> {
  readonly bytes: Buffer;
  /** Whether a data block follows the command line. */
  readonly carriesData: boolean;
  readonly read: (reply: Reply) => T | typeof MORE;
}

/** The longest key that memcached takes, in bytes of UTF-8. */
export const MAX_KEY_BYTES = 250;
const MAX_RELATIVE_TTL = 30 * 24 * 60 * 60;
/** memcached reads times as signed 32-bit numbers. */
const MAX_TIME = 0x7fff_ffff;
const MAX_FLAGS = 0xffff_ffff;
const MAX_UINT64 = 0xffff_ffff_ffff_ffffn;
const PLAIN_KEY = /^[\x21-\x7e]{1,250}$/;
const CRLF = Buffer.from('\r\n');

/**
 * Throws a TypeError unless memcached would take the key: 1 to 250 bytes of UTF-8, no control
 * bytes, no spaces (`protocol.txt`, "Keys"). The message does not show the key, for it may be the
 * id of a session.
 */
export function checkKey(key: string): void {
  if (PLAIN_KEY.test(key)) return;
  if (key === '') throw new TypeError('a memcached key is empty: it needs at least 1 byte');
  if (!key.isWellFormed()) {
    throw new TypeError('a memcached key holds half a surrogate pair, which UTF-8 cannot encode');
  }
  const bytes = Buffer.from(key);
  if (bytes.length > MAX_KEY_BYTES) {
    throw new TypeError(`a memcached key has ${bytes.length} bytes: at most ${MAX_KEY_BYTES} fit`);
  }
  if (bytes.some((byte) => byte <= 0x20 || byte === 0x7f)) {
    throw new TypeError('a memcached key holds a space or a control byte: leave them out');
  }
}

/**
 * A time to live in whole seconds as memcached wants it: 0 for never, -1 for at once, up to 30
 * days as it is, above that an absolute unix time. `now` is in milliseconds. Times past 2038 are
 * cut to it, the last that memcached can hold. Throws a TypeError for fractions.
 */
export function encodeTtl(ttl: number, now: number): number {
  if (!Number.isInteger(ttl)) {
    throw new TypeError(`a time to live of ${ttl} s is not a whole number: round it up`);
  }
  if (ttl < 0) return -1;
  if (ttl <= MAX_RELATIVE_TTL) return ttl;
  return Math.min(Math.floor(now / 1000) + ttl, MAX_TIME);
}

/** `get` or `gets` of any number of different keys; the items found, by key. */
export function fetchRequest(
  verb: 'get' | 'gets',
  keys: readonly string[],
): Request<Map<string, Item>> {
  for (const key of keys) checkKey(key);
  const found = new Map<string, Item>();
  let next = 0;
  return {
    bytes: Buffer.from(`${verb} ${keys.join(' ')}\r\n`),
    carriesData: false,
    read(reply) {
      if (reply.kind === 'line') {
        if (reply.line === 'END') return found;
        throw unexpected();
      }
      if (reply.kind !== 'value') throw unexpected();
      // A node answers in the order asked, each key at most once: what breaks that order is the
      // answer to another request, and believing it would hand out another user's session.
      const index = keys.indexOf(reply.key, next);
      if (index === -1) throw new MalformedReply('sent the value of a key that was not asked for');
      next = index + 1;
      if ((reply.cas !== undefined) !== (verb === 'gets')) throw unexpected();
      const { value, flags, cas } = reply;
      found.set(reply.key, cas === undefined ? { value, flags } : { value, flags, cas });
      return MORE;
    },
  };
}

/** Stores whether or not the key is present. `now`, here and below, is in milliseconds. */
export function setRequest(
  key: string,
  value: Buffer,
  options: StoreOptions,
  now: number,
): Request<void> {
  return storageRequest('set', key, value, options, now, '', new Map([['STORED', undefined]]));
}

/** `add` stores only what is absent, `replace` only what is present; whether it stored. */
export function conditionalStoreRequest(
  verb: 'add' | 'replace',
  key: string,
  value: Buffer,
  options: StoreOptions,
  now: number,
): Request<boolean> {
  const outcomes = new Map([
    ['STORED', true],
    ['NOT_STORED', false],
  ]);
  return storageRequest(verb, key, value, options, now, '', outcomes);
}

/** Stores only over the version that `gets` gave. */
export function casRequest(
  key: string,
  value: Buffer,
  version: bigint,
  options: StoreOptions,
  now: number,
): Request<'stored' | 'exists' | 'missing'> {
  const outcomes = new Map([
    ['STORED', 'stored'],
    ['EXISTS', 'exists'],
    ['NOT_FOUND', 'missing'],
  ] as const);
  return storageRequest('cas', key, value, options, now, ` ${uint64(version)}`, outcomes);
}

export function deleteRequest(key: string): Request<boolean> {
  checkKey(key);
  return lineRequest(`delete ${key}`, presence('DELETED'));
}

/** Gives an item a new time to live, in seconds. */
export function touchRequest(key: string, ttl: number, now: number): Request<boolean> {
  checkKey(key);
  return lineRequest(`touch ${key} ${encodeTtl(ttl, now)}`, presence('TOUCHED'));
}

/** Adds to or takes from a decimal counter; the new value, or undefined if the key is absent. */
export function counterRequest(
  verb: 'incr' | 'decr',
  key: string,
  by: bigint | number,
): Request<bigint | undefined> {
  checkKey(key);
  return lineRequest(`${verb} ${key} ${uint64(by)}`, (line) => {
    if (line === 'NOT_FOUND') return undefined;
    if (!/^\d{1,20}$/.test(line)) throw unexpected();
    return BigInt(line);
  });
}

/** The node's version; as a question that any memcached answers, also the ping. */
export function versionRequest(): Request<string> {
  return lineRequest('version', (line) => {
    if (!line.startsWith('VERSION ')) throw unexpected();
    return line.slice('VERSION '.length);
  });
}

/** Whether a line reports an error in place of the answer (`protocol.txt`, "Error strings"). */
export function isErrorLine(line: string): boolean {
  return /^(?:ERROR|CLIENT_ERROR|SERVER_ERROR)(?: |$)/.test(line);
}

/**
 * Whether replies are still in step with requests after an error line; the one place that says so.
 * A command of one line is answered by one line. After a command with a data block, SERVER_ERROR
 * (too large, out of memory) means that memcached has read and dropped the block; ERROR and
 * CLIENT_ERROR may mean that it did not understand the command line, and now reads the block, a
 * user's data, as commands. Out of memory in a `get`, memcached also drops the replies to earlier
 * commands that it has not sent yet (`process_get_command_err` in `proto_text.c`), so that the line
 * may seem to answer another request.
 */
export function staysInStep(request: Request<unknown>, errorLine: string): boolean {
  if (errorLine === 'SERVER_ERROR out of memory writing get response') return false;
  return !request.carriesData || errorLine.startsWith('SERVER_ERROR');
}

function storageRequest<T>(
  verb: string,
  key: string,
  value: Buffer,
  options: StoreOptions,
  now: number,
  suffix: string,
  outcomes: ReadonlyMap<string, T>,
): Request<T> {
  checkKey(key);
  const flags = options.flags ?? 0;
  if (!Number.isInteger(flags) || flags < 0 || flags > MAX_FLAGS) {
    throw new TypeError(`flags of ${flags} are not an unsigned 32-bit number`);
  }
  const ttl = encodeTtl(options.ttl ?? 0, now);
  const line = `${verb} ${key} ${flags} ${ttl} ${value.length}${suffix}\r\n`;
  return {
    bytes: Buffer.concat([Buffer.from(line), value, CRLF]),
    carriesData: true,
    read: lineReader((answer) => outcome(outcomes, answer)),
  };
}

function lineRequest<T>(command: string, read: (line: string) => T): Request<T> {
  return { bytes: Buffer.from(`${command}\r\n`), carriesData: false, read: lineReader(read) };
}

function lineReader<T>(read: (line: string) => T): (reply: Reply) => T {
  return (reply) => {
    if (reply.kind !== 'line') throw unexpected();
    return read(reply.line);
  };
}

function presence(word: string): (line: string) => boolean {
  const outcomes = new Map([
    [word, true],
    ['NOT_FOUND', false],
  ]);
  return (line) => outcome(outcomes, line);
}

function outcome<T>(outcomes: ReadonlyMap<string, T>, line: string): T {
  if (!outcomes.has(line)) throw unexpected();
  return outcomes.get(line) as T;
}

function uint64(value: bigint | number): bigint {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new TypeError(`${value} is not a safe integer: hand over a bigint`);
  }
  const number = BigInt(value);
  if (number < 0n || number > MAX_UINT64) {
    throw new TypeError(`${number} is not an unsigned 64-bit number`);
  }
  return number;
}

function unexpected(): MalformedReply {
  return new MalformedReply('sent a reply that does not answer the command');
}
