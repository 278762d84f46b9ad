import type { Dials, Digits } from './dials.ts';
import { type LenientHead, lineAt, readLenientHead, valuesOf } from './lenient-head.ts';

/** What a reader makes of the bytes that came: no message of HTTP, not a whole one yet, or one. */
export type Reading =
  | { readonly outcome: 'rejects' }
  | { readonly outcome: 'waits' }
  | {
      readonly outcome: 'reads';
      /** Where it takes the message to end. */
      readonly end: number;
      /** Which message it takes it for. */
      readonly what: string;
      readonly method: string;
      readonly target: string;
      readonly status: number;
      /** It has the mark of the proxy: whoever asks, as only the proxy can know. */
      readonly sealed: boolean;
    };

export interface ReadOptions {
  readonly kind: 'request' | 'response';
  /** Of the request that a response answers. */
  readonly method?: string;
  /** No more bytes will come. */
  readonly over?: boolean;
}

const REJECTS: Reading = { outcome: 'rejects' };
const WAITS: Reading = { outcome: 'waits' };
const BIG = Number.MAX_SAFE_INTEGER;

/** Reads one message from the front of `text` as a reader with these dials does. */
export function readLeniently(text: string, dials: Dials, options: ReadOptions): Reading {
  const early = dials.http09 && options.kind === 'request' ? readVersion09(text, dials) : undefined;
  if (early) return early;
  const head = readLenientHead(text, dials);
  if (!head) return WAITS;
  const line = options.kind === 'request' ? requestLine(head) : statusLine(head);
  if (!line) return REJECTS;
  const body = bodyOf(head, line, dials, options);
  if (body === undefined) return REJECTS;
  const end = endOf(text, head.length, body, dials, options.over ?? false);
  if (typeof end !== 'number') return end;
  const host = hostOf(head, line.authority, dials);
  return {
    outcome: 'reads',
    end,
    what: options.kind === 'request' ? `${line.method} ${line.target} ${host}` : `${line.status}`,
    method: line.method,
    target: line.target,
    status: line.status,
    sealed: valuesOf(head, 'x-forwarded-for').some((value) => value.includes('127.0.0.1')),
  };
}

interface StartLine {
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  readonly status: number;
  readonly minor: string;
}

function requestLine({ startLine }: LenientHead): StartLine | undefined {
  const [, method, form, minor] =
    /^[ \t]*(\S+)\s+(.*?)\s+HTTP\/1\.(\d+)\s*$/is.exec(startLine) ?? [];
  if (method === undefined || form === undefined || minor === undefined) return undefined;
  const [, authority = '', path = ''] = /^https?:\/\/([^/?]*)(.*)$/is.exec(form) ?? [];
  return { method, target: authority ? path || '/' : form, authority, status: 0, minor };
}

function statusLine({ startLine }: LenientHead): StartLine | undefined {
  const [, minor, status] = /^HTTP\/1\.(\d+)\s+(\d{3})(?:\s|$)/.exec(startLine) ?? [];
  if (minor === undefined || Number(status) < 100) return undefined;
  return { method: '', target: '', authority: '', status: Number(status), minor };
}

function readVersion09(text: string, dials: Dials): Reading | undefined {
  const line = lineAt(text, 0, dials);
  const [, target] = line ? (/^GET (\S+)$/.exec(text.slice(0, line.textEnd)) ?? []) : [];
  if (!line || target === undefined) return undefined;
  return {
    outcome: 'reads',
    end: line.next,
    what: `GET ${target} `,
    method: 'GET',
    target,
    status: 0,
    sealed: false,
  };
}

function hostOf(head: LenientHead, authority: string, dials: Dials): string {
  const hosts = valuesOf(head, 'host');
  const host = dials.repeated === 'first' ? hosts[0] : hosts.at(-1);
  return (dials.authority === 'target' && authority ? authority : (host ?? '')).toLowerCase();
}

/** Bytes of the body, or how else it ends; undefined where the reader gives up. */
function bodyOf(
  head: LenientHead,
  { status, minor }: StartLine,
  dials: Dials,
  { kind, method }: ReadOptions,
): number | 'chunked' | 'close' | undefined {
  if (kind === 'response') {
    if (method === 'HEAD' || status === 304 || status === 101) return 0;
    if ((status < 200 || status === 204) && !dials.bodies) return 0;
  }
  const chunked = isChunked(valuesOf(head, 'transfer-encoding'), dials, minor);
  const lengths = valuesOf(head, 'content-length').flatMap((value) => value.split(','));
  const text = dials.repeated === 'first' ? lengths[0] : lengths.at(-1);
  const length = text === undefined ? undefined : numberOf(text.trim(), 10, dials.length);
  if (chunked === undefined) return undefined;
  if (chunked && !(dials.both === 'length' && length !== undefined && !Number.isNaN(length))) {
    return 'chunked';
  }
  if (length === undefined) {
    return kind === 'request' || status < 200 || status === 204 ? 0 : 'close';
  }
  return Number.isNaN(length) ? undefined : length;
}

function isChunked(
  values: readonly string[],
  { coding, noChunksIn10 }: Dials,
  minor: string,
): boolean | undefined {
  if (values.length === 0 || (noChunksIn10 && minor === '0')) return false;
  const whole = values.join(',');
  const codings = whole.split(',').map((value) => value.trim().toLowerCase());
  if (coding === 'exact') return values.includes('chunked');
  if (coding === 'anywhere') return /chunked/i.test(whole);
  if (coding === 'first') return codings[0] === 'chunked';
  return codings.at(-1) === 'chunked' ? true : undefined;
}

function endOf(
  text: string,
  at: number,
  body: number | 'chunked' | 'close',
  dials: Dials,
  over: boolean,
): number | Reading {
  if (body === 'chunked') return endOfChunks(text, at, dials);
  if (body === 'close') return over ? text.length : WAITS;
  return at + body <= text.length ? at + body : WAITS;
}

function endOfChunks(text: string, from: number, dials: Dials): number | Reading {
  let at = from;
  for (;;) {
    const line = lineAt(text, at, dials);
    if (!line) return WAITS;
    const size = numberOf(text.slice(at, line.textEnd).replace(/[ \t]*;.*$/s, ''), 16, dials.size);
    if (Number.isNaN(size)) return REJECTS;
    at = line.next;
    if (size === 0) return endOfTrailers(text, at, dials);
    at += size;
    if (at + 2 > text.length) return WAITS;
    const end = lineAt(text, at, dials);
    if (dials.chunkEnd === 'two') at += 2;
    else if (end?.textEnd === at) at = end.next;
    else if (dials.chunkEnd === 'line') return REJECTS;
  }
}

function endOfTrailers(text: string, from: number, dials: Dials): number | Reading {
  let at = from;
  for (;;) {
    const line = lineAt(text, at, dials);
    if (!line) return WAITS;
    if (line.textEnd === at) return line.next;
    at = line.next;
  }
}

/** NaN where it is no number to this reader; a negative one is huge, as it is without its sign bit. */
function numberOf(text: string, base: 10 | 16, digits: Digits): number {
  const plain = base === 10 ? /^\d+$/ : /^[\da-f]+$/i;
  if (digits === 'strict') {
    return plain.test(text) ? Math.min(Number.parseInt(text, base), BIG) : Number.NaN;
  }
  if (digits === 'wrap32' || digits === 'wrap64') {
    if (!plain.test(text)) return Number.NaN;
    const value = BigInt(base === 16 ? `0x${text}` : text);
    return Math.min(Number(BigInt.asUintN(digits === 'wrap32' ? 32 : 64, value)), BIG);
  }
  if (digits === 'prefix')
    return Number.parseInt((base === 10 ? /^\d+/ : /^[\da-f]+/i).exec(text)?.[0] ?? '', base);
  const [, sign, prefix, rest] = /^\s*([+-]?)(0x|0(?=\d))?([\da-f]*)/i.exec(text) ?? [];
  const radix = prefix === undefined ? base : /x/i.test(prefix) ? 16 : base === 10 ? 8 : 16;
  const value = Number.parseInt(rest || (prefix ? '0' : ''), radix);
  return sign === '-' && value > 0 ? BIG : value;
}
