import { MORE, type Request } from './protocol.ts';
import { MalformedReply, type Reply } from './reply-parser.ts';

/**
 * Requests for a node as a proxy makes them: keys are bytes as Latin-1 characters, and expiration
 * times go as the client sent them (protocol.txt, "Expiration times"). The connection that they go
 * through is to read Latin-1, too.
 */

/** An item with its version. */
export interface VersionedItem {
  readonly value: Buffer;
  readonly flags: number;
  readonly cas: bigint;
}

/** The answer to a meta command: its line, and the value where one follows. */
export interface MetaReply {
  readonly line: string;
  readonly value?: Buffer;
}

const BYTE_KEY = /^[\x21-\x7e\x80-\xff]{1,250}$/;
const CRLF = Buffer.from('\r\n');
const META_CODE = /^(?:HD|EN|NS|EX|NF)(?: |$)/;

/** Whether the text commands can name the key: no spaces, no control bytes, at most 250 bytes. */
export function isByteKey(key: string): boolean {
  return BYTE_KEY.test(key);
}

/** `gets` of one key. */
export function getsRequest(key: string): Request<VersionedItem | undefined> {
  let found: VersionedItem | undefined;
  return {
    bytes: line(`gets ${checked(key)}`),
    carriesData: false,
    read(reply) {
      if (reply.kind === 'line' && reply.line === 'END') return found;
      if (reply.kind !== 'value' || reply.key !== key || reply.cas === undefined)
        throw unexpected();
      if (found !== undefined) throw unexpected();
      found = { value: reply.value, flags: reply.flags, cas: reply.cas };
      return MORE;
    },
  };
}

/** `gets` of several different keys; the items found, by key. */
export function getsManyRequest(keys: readonly string[]): Request<Map<string, VersionedItem>> {
  const found = new Map<string, VersionedItem>();
  let next = 0;
  return {
    bytes: line(`gets ${keys.map(checked).join(' ')}`),
    carriesData: false,
    read(reply) {
      if (reply.kind === 'line' && reply.line === 'END') return found;
      if (reply.kind !== 'value' || reply.cas === undefined) throw unexpected();
      const index = keys.indexOf(reply.key, next);
      if (index === -1) throw new MalformedReply('sent the value of a key that was not asked for');
      next = index + 1;
      found.set(reply.key, { value: reply.value, flags: reply.flags, cas: reply.cas });
      return MORE;
    },
  };
}

/** `set`, `add`, `replace`, `append` or `prepend`; whether it stored. */
export function storeRequest(
  verb: string,
  key: string,
  value: Buffer,
  flags: number,
  exptime: number,
): Request<boolean> {
  return {
    bytes: block(`${verb} ${checked(key)} ${flags} ${exptime} ${value.length}`, value),
    carriesData: true,
    read: lineReader({ STORED: true, NOT_STORED: false }),
  };
}

export function casBytesRequest(
  key: string,
  value: Buffer,
  version: bigint,
  flags: number,
  exptime: number,
): Request<'STORED' | 'EXISTS' | 'NOT_FOUND'> {
  return {
    bytes: block(`cas ${checked(key)} ${flags} ${exptime} ${value.length} ${version}`, value),
    carriesData: true,
    read: lineReader({ STORED: 'STORED', EXISTS: 'EXISTS', NOT_FOUND: 'NOT_FOUND' }),
  };
}

export function deleteBytesRequest(key: string): Request<boolean> {
  return {
    bytes: line(`delete ${checked(key)}`),
    carriesData: false,
    read: lineReader({ DELETED: true, NOT_FOUND: false }),
  };
}

export function touchBytesRequest(key: string, exptime: number): Request<boolean> {
  return {
    bytes: line(`touch ${checked(key)} ${exptime}`),
    carriesData: false,
    read: lineReader({ TOUCHED: true, NOT_FOUND: false }),
  };
}

/** The new value; undefined where the key is absent. */
export function countRequest(
  verb: 'incr' | 'decr',
  key: string,
  by: bigint,
): Request<bigint | undefined> {
  return {
    bytes: line(`${verb} ${checked(key)} ${by}`),
    carriesData: false,
    read(reply) {
      if (reply.kind !== 'line') throw unexpected();
      if (reply.line === 'NOT_FOUND') return undefined;
      if (!/^\d{1,20}$/.test(reply.line)) throw unexpected();
      return BigInt(reply.line);
    },
  };
}

/** `mg`, `ms` or `md`. */
export function metaRequest(
  verb: 'mg' | 'ms' | 'md',
  key: string,
  flags: readonly string[],
  value?: Buffer,
): Request<MetaReply> {
  const head = value === undefined ? [verb, checked(key)] : [verb, checked(key), value.length];
  const text = [...head, ...flags].join(' ');
  return {
    bytes: value === undefined ? line(text) : block(text, value),
    carriesData: value !== undefined,
    read(reply) {
      if (reply.kind === 'meta') return { line: reply.line, value: reply.value };
      if (reply.kind !== 'line' || !META_CODE.test(reply.line)) throw unexpected();
      return { line: reply.line };
    },
  };
}

export function flushRequest(): Request<void> {
  return { bytes: line('flush_all'), carriesData: false, read: lineReader({ OK: undefined }) };
}

/** `stats`: the node's figures by name, or with `settings` how it was started. */
export function statsRequest(subject?: 'settings'): Request<Map<string, string>> {
  const stats = new Map<string, string>();
  return {
    bytes: line(subject ? `stats ${subject}` : 'stats'),
    carriesData: false,
    read(reply) {
      if (reply.kind !== 'line') throw unexpected();
      if (reply.line === 'END') return stats;
      const match = /^STAT (\S+) (.*)$/.exec(reply.line);
      if (match === null || stats.size > 1000) throw unexpected();
      stats.set(match[1]!, match[2]!);
      return MORE;
    },
  };
}

/** A key that the protocol cannot carry would change the command. The message does not show it. */
function checked(key: string): string {
  if (isByteKey(key)) return key;
  throw new TypeError('a memcached key is not 1 to 250 bytes without spaces and control bytes');
}

function line(text: string): Buffer {
  return Buffer.from(`${text}\r\n`, 'latin1');
}

function block(text: string, value: Buffer): Buffer {
  return Buffer.concat([line(text), value, CRLF]);
}

function lineReader<T>(outcomes: Readonly<Record<string, T>>): (reply: Reply) => T {
  return (reply) => {
    if (reply.kind !== 'line' || !Object.hasOwn(outcomes, reply.line)) throw unexpected();
    return outcomes[reply.line] as T;
  };
}

function unexpected(): MalformedReply {
  return new MalformedReply('sent a reply that does not answer the command');
}
