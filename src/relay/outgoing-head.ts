import { mayBeStored } from '../policy/cacheable.ts';
import {
  ADMIN_COOKIE,
  type AffinityCookie,
  secureCookie,
  setsCookie,
  withoutCookie,
} from '../policy/cookies.ts';
import { type Client, type Forwarding, forwarding } from '../policy/forwarded.ts';
import { rewriteLocation, type Site } from '../policy/location.ts';
import type { RequestHead, ResponseHead } from './head.ts';
import type { HeaderLines } from './header-lines.ts';
import {
  ADDRESS,
  CONNECTION,
  CONTENT_LENGTH,
  COOKIE,
  EXPECT,
  FORWARDED,
  HOP,
  HOST,
  HSTS,
  REQUEST_ID,
  SET_COOKIE,
  TRANSFER_ENCODING,
  UPGRADE,
} from './header-names.ts';
import { copyOf, isWord } from './octets.ts';

export interface OutgoingRequest {
  /** The head, of latin1 characters. */
  readonly text: string;
  /** The backend that the affinity cookie named, which backends never see. */
  readonly asked: string | undefined;
  /** What the backend is told of who asks. */
  readonly told: Forwarding;
}

/** What the head of an answer depends on beside the backend's own. */
export interface ResponseOptions {
  readonly site: Site;
  /** Method of the request. */
  readonly method: string;
  /** Minor version of the request. */
  readonly minor: 0 | 1;
  /** The client's connection lives on after the answer. */
  readonly keepAlive: boolean;
  readonly requestId: string;
  /** The relay puts the body into chunks itself. */
  readonly chunks: boolean;
  /** Value of Strict-Transport-Security, which replaces the backend's; '' or undefined for none. */
  readonly hsts: string | undefined;
  readonly affinity: AffinityCookie | undefined;
  /** The backend that the client's affinity cookie named. */
  readonly asked: string | undefined;
  /** The backend that answered. */
  readonly served: string;
}

/** What becomes of the cookies that an answer sets. */
export interface CookieRules {
  readonly affinity: AffinityCookie | undefined;
  /** The client came over TLS. */
  readonly secure: boolean;
}

/**
 * The lines that tell a backend who asks. They are the same for all requests of a client for one
 * host, unless the client is believed what it says itself.
 */
export class ForwardedLines {
  text = '';
  readonly #client: Client;
  #host: string | undefined;
  #told: Forwarding | undefined;

  constructor(client: Client) {
    this.#client = client;
  }

  /** What is told of a request, and is in `text` from now on. */
  of({ lines, host }: RequestHead): Forwarding {
    if (this.#told && this.#host === host && !this.#client.proxies) return this.#told;
    const told = forwarding(lines, host, this.#client);
    this.#host = host;
    this.#told = told;
    // It is written with many requests.
    this.text = copyOf(
      `X-Forwarded-For: ${told.client}\r\nX-Forwarded-Proto: ${told.proto}\r\n` +
        `X-Forwarded-Host: ${told.host}\r\nX-Forwarded-Port: ${told.port}\r\n` +
        `X-Real-IP: ${told.realIp}\r\n`,
    );
    return told;
  }
}

/** What becomes of a line: it stays as it is, or this text stands in its place ('' for none). */
type Fate = string | undefined;
const STAYS = undefined;
const GOES = '';

const ZERO = 0x30;

/**
 * The head that a backend gets: the rules of `requestHeaders` and `upgradeHeaders` of the policy, on
 * lines that keep their order, spelling and repetitions. `Expect` crosses, for the backend's
 * `100 Continue` does. The version is the relay's own (RFC 9112 §2.3).
 */
export function requestHead(
  head: RequestHead,
  forwarded: ForwardedLines,
  requestId: string,
  affinity: AffinityCookie | undefined,
): OutgoingRequest {
  const { lines } = head;
  let text = `${head.method} ${head.target} HTTP/1.1\r\n`;
  if (head.host === '') text += 'Host: \r\n';
  let from = lines.first;
  for (let line = 0; line < lines.count; line += 1) {
    const fate = fateInRequest(head, line, affinity);
    if (fate === STAYS) continue;
    text += lines.text.slice(from, lines.start(line)) + fate;
    from = lines.end(line);
  }
  text += lines.text.slice(from, lines.last);
  const told = forwarded.of(head);
  text += `${forwarded.text}X-Request-Id: ${requestId}\r\n`;
  if (isWebsocket(head.upgrade)) text += upgradeLines(head.upgrade);
  const asked = affinity?.value(lines.value('cookie'));
  return { text: `${text}\r\n`, asked, told };
}

/**
 * The head that a client gets: the rules of `applyResponsePolicy` and `AffinityCookie.mark` of the
 * policy, on lines that keep their order, spelling and repetitions.
 */
export function responseHead(head: ResponseHead, options: ResponseOptions): string {
  const { lines } = head;
  const { affinity, asked, hsts, keepAlive, served } = options;
  let text = `HTTP/1.1 ${head.status} ${head.reason}\r\n`;
  let from = lines.first;
  for (let line = 0; line < lines.count; line += 1) {
    const fate = fateInResponse(head, line, options);
    if (fate === STAYS) continue;
    text += lines.text.slice(from, lines.start(line)) + fate;
    from = lines.end(line);
  }
  text += lines.text.slice(from, lines.last);
  if (affinity && asked !== served) {
    text += `Set-Cookie: ${affinity.naming(served)}\r\n`;
    if (mayBeStored(options.method, head.status, lines)) text += 'Cache-Control: private\r\n';
  }
  if (options.chunks) text += 'Transfer-Encoding: chunked\r\n';
  if (hsts) text += `Strict-Transport-Security: ${hsts}\r\n`;
  if (!keepAlive) text += 'Connection: close\r\n';
  else if (options.minor === 0) text += 'Connection: keep-alive\r\n';
  return `${text}X-Request-Id: ${options.requestId}\r\n\r\n`;
}

/** The head of a 1xx answer other than 101, as a client gets it. */
export function informationalHead(head: ResponseHead): string {
  return `${interimHead(head)}\r\n`;
}

/** The head of a 101 answer, as a client gets it. */
export function switchingHead(head: ResponseHead, requestId: string, rules: CookieRules): string {
  const upgrade = upgradeLines(head.upgrade);
  return `${interimHead(head, rules)}${upgrade}X-Request-Id: ${requestId}\r\n\r\n`;
}

/** Whether Upgrade asks for a websocket: of all upgrades only that one crosses. */
export function isWebsocket(upgrade: string): boolean {
  return isWord(upgrade, 0, upgrade.length, 'websocket');
}

/**
 * The status line of a 1xx answer and those of its lines that cross, without the empty one. Cookies are
 * set by final answers and by a 101, which is one, too.
 */
function interimHead({ status, reason, lines }: ResponseHead, rules?: CookieRules): string {
  let text = `HTTP/1.1 ${status} ${reason}\r\n`;
  for (let line = 0; line < lines.count; line += 1) {
    if (!crossesAtOnce(lines, line)) continue;
    const fate = lines.kind(line) === SET_COOKIE ? fateOfInterimCookie(lines, line, rules) : STAYS;
    text += fate === STAYS ? lines.text.slice(lines.start(line), lines.end(line)) : fate;
  }
  return text;
}

function fateOfInterimCookie(lines: HeaderLines, line: number, rules?: CookieRules): Fate {
  return rules ? fateOfSetCookie(lines, line, rules) : GOES;
}

function crossesAtOnce(lines: HeaderLines, line: number): boolean {
  switch (lines.kind(line)) {
    // RFC 9110 §8.6, RFC 9112 §6.1: neither has a place where there cannot be a body.
    case CONTENT_LENGTH:
    case TRANSFER_ENCODING:
    case CONNECTION:
    case UPGRADE:
    case HOP:
    case REQUEST_ID:
      return false;
    default:
      return !isNamedByConnection(lines, line);
  }
}

function fateInRequest(head: RequestHead, line: number, affinity?: AffinityCookie): Fate {
  const { lines } = head;
  switch (lines.kind(line)) {
    case HOST:
      // The authority of an absolute-form target replaces it (RFC 9112 §3.2.2).
      return lines.hasValue(line, head.host) ? STAYS : `Host: ${head.host}\r\n`;
    case CONTENT_LENGTH:
      return fateOfLength(lines, line);
    case TRANSFER_ENCODING:
      return fateOfCoding(lines, line);
    case CONNECTION:
    case UPGRADE:
    case HOP:
    case FORWARDED:
    case REQUEST_ID:
      return GOES;
    case EXPECT:
      // RFC 9110 §10.1.1: of a client of HTTP/1.0 it is ignored.
      return head.minor === 0 || isNamedByConnection(lines, line) ? GOES : STAYS;
    case COOKIE:
      if (isNamedByConnection(lines, line)) return GOES;
      return fateOfCookie(lines, line, affinity);
    default:
      return isNamedByConnection(lines, line) ? GOES : STAYS;
  }
}

function fateInResponse(head: ResponseHead, line: number, options: ResponseOptions): Fate {
  const { lines } = head;
  switch (lines.kind(line)) {
    case CONTENT_LENGTH:
      return head.status === 204 ? GOES : fateOfLength(lines, line);
    case TRANSFER_ENCODING:
      // A client of HTTP/1.0 knows no chunks.
      return head.status === 204 || options.minor === 0 ? GOES : fateOfCoding(lines, line);
    case CONNECTION:
    case UPGRADE:
    case HOP:
    case REQUEST_ID:
      return GOES;
    case HSTS:
      return options.hsts || isNamedByConnection(lines, line) ? GOES : STAYS;
    case ADDRESS:
      if (isNamedByConnection(lines, line)) return GOES;
      return fateOfValue(lines, line, rewriteLocation(lines.valueAt(line), options.site));
    case SET_COOKIE:
      if (isNamedByConnection(lines, line)) return GOES;
      return fateOfSetCookie(lines, line, {
        affinity: options.affinity,
        secure: options.site.secure,
      });
    default:
      return isNamedByConnection(lines, line) ? GOES : STAYS;
  }
}

/** Fields that Connection names end at this hop (RFC 9110 §7.6.1). */
function isNamedByConnection(lines: HeaderLines, line: number): boolean {
  for (const name of lines.connectionNames) {
    if (lines.isNamed(line, name)) return true;
  }
  return false;
}

/** A length of plain decimals, without the noughts before it that some readers take for octal. */
function fateOfLength(lines: HeaderLines, line: number): Fate {
  const start = lines.valueStart(line);
  if (lines.text.charCodeAt(start) !== ZERO || lines.valueEnd(line) - start === 1) return STAYS;
  return fateOfValue(lines, line, String(Number(lines.valueAt(line))));
}

/** "chunked", in the one spelling that every reader knows. */
function fateOfCoding(lines: HeaderLines, line: number): Fate {
  return fateOfValue(lines, line, 'chunked');
}

function fateOfCookie(lines: HeaderLines, line: number, affinity?: AffinityCookie): Fate {
  const cookie = withoutCookie(lines.valueAt(line), ADMIN_COOKIE);
  const rest = affinity ? affinity.without(cookie) : cookie;
  return rest === '' ? GOES : fateOfValue(lines, line, rest);
}

function fateOfSetCookie(
  lines: HeaderLines,
  line: number,
  { affinity, secure }: CookieRules,
): Fate {
  const cookie = lines.valueAt(line);
  if (affinity?.isIn(cookie) || setsCookie(cookie, ADMIN_COOKIE)) return GOES;
  return secure ? fateOfValue(lines, line, secureCookie(cookie)) : STAYS;
}

/** A line whose value is to be `value`. */
function fateOfValue(lines: HeaderLines, line: number, value: string): Fate {
  return lines.hasValue(line, value) ? STAYS : `${lines.name(line)}: ${value}\r\n`;
}

function upgradeLines(upgrade: string): string {
  return `Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n`;
}
