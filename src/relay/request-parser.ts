import { isAuthority } from '../policy/redirect.ts';
import { ControlFields } from './control-fields.ts';
import {
  CHUNKED,
  DEFAULT_HEAD_LIMITS,
  HeadError,
  type HeadLimits,
  type RequestHead,
} from './head.ts';
import { HeadScanner } from './head-scanner.ts';
import { copyOf, isWord } from './octets.ts';
import { RequestLine } from './request-line.ts';

const SLASH = 0x2f;
const QUESTION_MARK = 0x3f;

interface Target {
  /** As it goes to a backend. */
  readonly form: string;
  /** Host and port that it names; '' in origin-form. */
  readonly authority: string;
}

/**
 * Reads the heads of requests, strictly: what two parsers could read differently is refused
 * (RFC 9112 §2.2, §3, §5, §6). One per connection, for all its requests.
 */
export class RequestParser {
  readonly #line = new RequestLine();
  readonly #fields = new ControlFields();
  readonly #scanner: HeadScanner;
  /** The Host that was found to be one: a connection's requests mostly have the same. */
  #lastHost: string | undefined;

  constructor(limits: HeadLimits = DEFAULT_HEAD_LIMITS) {
    this.#scanner = new HeadScanner(limits, this.#line);
  }

  /** What of the last chunk follows the head: a view, no copy; empty if none. */
  get rest(): Buffer {
    return this.#scanner.rest;
  }

  /** True between messages: nothing of a head has come but empty lines (RFC 9112 §2.2). */
  get idle(): boolean {
    return this.#scanner.idle;
  }

  /** Takes more bytes. The head where they complete it, else undefined. Throws HeadError. */
  parse(chunk: Buffer): RequestHead | undefined {
    return this.#scanner.scan(chunk) ? this.#head() : undefined;
  }

  /** Forgets what came of a head. */
  reset(): void {
    this.#scanner.reset();
  }

  #head(): RequestHead {
    const { lines } = this.#scanner;
    const { start, methodEnd, targetEnd, minor } = this.#line;
    const fields = this.#fields;
    const method = lines.text.slice(start, methodEnd);
    const target = readTarget(method, lines.text, methodEnd + 1, targetEnd);
    fields.read(lines);
    const host = this.#host(minor);
    if (minor === 0 && fields.chunked) {
      throw new HeadError(400, 'an HTTP/1.0 request has Transfer-Encoding');
    }
    return {
      method,
      target: target.form,
      minor,
      host: target.authority || host,
      bodyLength: fields.chunked ? CHUNKED : Math.max(fields.contentLength, 0),
      keepAlive: !fields.close && (minor === 1 || fields.keepAlive),
      upgrade: minor === 1 ? fields.upgradeOf(lines) : '',
      expectContinue: minor === 1 && fields.expectContinue,
      lines,
    };
  }

  /** The Host field, which only HTTP/1.0 may lack (RFC 9112 §3.2). */
  #host(minor: 0 | 1): string {
    const { lines } = this.#scanner;
    const line = this.#fields.host;
    if (line < 0) {
      if (minor === 0) return '';
      throw new HeadError(400, 'Host is missing');
    }
    const last = this.#lastHost;
    if (last !== undefined && lines.hasValue(line, last)) return last;
    // It outlives the head that it is cut out of.
    const host = copyOf(lines.valueAt(line));
    if (!isAuthority(host)) throw new HeadError(400, 'Host is not a host and port');
    this.#lastHost = host;
    return host;
  }
}

/** The target in the form that is forwarded (RFC 9112 §3.2, §3.2.4). */
function readTarget(method: string, text: string, start: number, end: number): Target {
  if (text.charCodeAt(start) === SLASH && method !== 'CONNECT') {
    return { form: text.slice(start, end), authority: '' };
  }
  if (method === 'CONNECT') {
    const authority = text.slice(start, end);
    if (!isAuthority(authority)) throw new HeadError(400, 'CONNECT asks for no host');
    return { form: authority, authority };
  }
  if (method === 'OPTIONS' && end - start === 1 && text[start] === '*') {
    return { form: '*', authority: '' };
  }
  const host = afterScheme(text, start, end);
  if (host < 0) throw new HeadError(400, 'the target is neither a path nor an address of HTTP');
  let path = host;
  while (path < end && !isPathStart(text.charCodeAt(path))) path += 1;
  const authority = text.slice(host, path);
  if (!isAuthority(authority)) throw new HeadError(400, 'the target names no valid host');
  if (path === end) return { form: method === 'OPTIONS' ? '*' : '/', authority };
  const form = text.slice(path, end);
  return { form: form.startsWith('/') ? form : `/${form}`, authority };
}

/** The position after `http://` or `https://`, or -1. */
function afterScheme(text: string, start: number, end: number): number {
  for (const scheme of ['http', 'https']) {
    const at = start + scheme.length;
    if (at + 3 <= end && isWord(text, start, at, scheme) && text.startsWith('://', at))
      return at + 3;
  }
  return -1;
}

function isPathStart(octet: number): boolean {
  return octet === SLASH || octet === QUESTION_MARK;
}
