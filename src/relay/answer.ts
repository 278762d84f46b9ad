import type { GatewayError } from '../errors.ts';
import type { AffinityCookie } from '../policy/cookies.ts';
import { rawErrorPage } from '../policy/error-page.ts';
import { type Client, requestIdOf } from '../policy/forwarded.ts';
import { siteOf } from '../policy/location.ts';
import type { Endpoints } from '../upstream/endpoints.ts';
import { acceptOf } from '../upstream/handshake.ts';
import type { Progress } from './exchange.ts';
import { CHUNKED, type RequestHead, type ResponseHead, UNTIL_CLOSE } from './head.ts';
import type { HeaderLines } from './header-lines.ts';
import {
  type ForwardedLines,
  isWebsocket,
  type OutgoingRequest,
  requestHead,
  responseHead,
  switchingHead,
} from './outgoing-head.ts';
import { Chunking, Dechunking, type Reframing } from './reframing.ts';
import type { ExchangeRecord } from './relay-report.ts';
import type { RequestIds } from './request-ids.ts';
import { type Termination, terminationOf } from './termination.ts';

/** What of a relay's settings answers depend on. */
export interface AnswerPolicy {
  readonly affinity: AffinityCookie | undefined;
  /** Value of Strict-Transport-Security. */
  readonly hsts: string | undefined;
  /** `host:port` of every backend. */
  readonly authorities: ReadonlySet<string>;
  /** For requests that have no id yet. */
  readonly requestIds: RequestIds;
}

/** Who asks. */
interface Peer extends Client {
  readonly endpoints: Endpoints;
}

/** The answer to one request: how it goes to the client, and what the log says of it. */
export class Answer {
  readonly requestId: string;
  /** The request asked for a websocket. */
  readonly upgrade: boolean;
  /** Minor version of the request. */
  readonly minor: 0 | 1;
  readonly method: string;
  /** It has begun: what follows can only complete it. */
  begun = false;
  status = 0;
  /** Bytes of it that were handed to the connection. */
  bytes = 0;
  termination: Termination = '--';
  /** The request as a backend gets it. */
  readonly outgoing: OutgoingRequest;
  readonly #target: string;
  /** The request's: they are its own until the next one is parsed. */
  readonly #lines: HeaderLines;
  readonly #peer: Peer;
  /** Value of `performance.now()` when the request's head was complete. */
  readonly #started = performance.now();
  /** How long that took. */
  readonly #requestMs: number;
  #reframing: Reframing | undefined;

  constructor(
    request: RequestHead,
    peer: Peer,
    forwarded: ForwardedLines,
    { affinity, requestIds }: AnswerPolicy,
    headBegan: number | undefined,
  ) {
    const { method, target, minor, upgrade, lines } = request;
    this.requestId = requestIdOf(lines, peer) ?? requestIds.next();
    this.outgoing = requestHead(request, forwarded, this.requestId, affinity);
    this.method = method;
    this.minor = minor;
    this.upgrade = isWebsocket(upgrade);
    this.#target = target;
    this.#lines = lines;
    this.#peer = peer;
    this.#requestMs = headBegan === undefined ? 0 : this.#started - headBegan;
  }

  /**
   * What is wrong with a switch of protocols, as a phrase; undefined: it is the one that the request
   * asked for (RFC 6455 §4.1). Where that named no key there is nothing to compare.
   */
  faultOfSwitch(head: ResponseHead): string | undefined {
    if (!this.upgrade || !isWebsocket(head.upgrade)) return 'switched protocols unasked';
    const key = this.#lines.value('sec-websocket-key');
    if (key === undefined || head.lines.value('sec-websocket-accept') === acceptOf(key)) {
      return undefined;
    }
    return 'answered a handshake with a wrong Sec-WebSocket-Accept';
  }

  /** A body of that length cannot be told from one that broke off but by the connection's end. */
  endsWithConnection(bodyLength: number): boolean {
    return this.minor === 0 && bodyLength < 0;
  }

  /** Begins the answer that a backend gave; the head that the client gets. */
  begin(head: ResponseHead, served: string, keepAlive: boolean, policy: AnswerPolicy): string {
    const { affinity, authorities } = policy;
    this.begun = true;
    this.status = head.status;
    this.#reframing = this.#reframingOf(head.bodyLength);
    return responseHead(head, {
      site: siteOf(this.outgoing.told, authorities),
      method: this.method,
      minor: this.minor,
      keepAlive,
      requestId: this.requestId,
      chunks: this.#reframing instanceof Chunking,
      hsts: this.#hsts(policy),
      affinity,
      asked: this.outgoing.asked,
      served,
    });
  }

  /** The head that the client gets of a switch of protocols without fault. */
  switching(head: ResponseHead, { affinity }: AnswerPolicy): string {
    this.status = head.status;
    return switchingHead(head, this.requestId, { affinity, secure: this.#secure });
  }

  /** What the client gets for these bytes of the backend's body, the last ones if `complete`. */
  body(bytes: Buffer, complete: boolean): Buffer {
    return this.#reframing ? this.#reframing.take(bytes, complete) : bytes;
  }

  /** A whole answer of the relay's own, of latin1 characters: an error page. */
  refusal(
    { kind, status, retryAfter }: GatewayError,
    termination: Termination,
    policy: AnswerPolicy,
    keepAlive: boolean,
  ): string {
    this.status = status;
    this.termination = termination;
    const accept = this.#lines.value('accept');
    const { requestId } = this;
    const options = { accept, requestId, retryAfter, hsts: this.#hsts(policy) };
    const page = rawErrorPage(kind, options, keepAlive);
    return this.method === 'HEAD' ? page.slice(0, page.indexOf('\r\n\r\n') + 4) : page;
  }

  /** A whole answer of the relay's own that sends the client elsewhere, for good. */
  redirect(location: string, policy: AnswerPolicy, keepAlive: boolean): string {
    this.status = 301;
    this.termination = 'LR';
    const hsts = this.#hsts(policy);
    return (
      `HTTP/1.1 301 Moved Permanently\r\nlocation: ${location}\r\ncontent-length: 0\r\n` +
      `x-request-id: ${this.requestId}\r\n` +
      (hsts ? `strict-transport-security: ${hsts}\r\n` : '') +
      `${keepAlive ? '' : 'connection: close\r\n'}\r\n`
    );
  }

  /** What there is to log when it is over; `aborted`: it is not complete. */
  record(progress: Progress | undefined, aborted: boolean): ExchangeRecord {
    const { endpoints, address, scheme } = this.#peer;
    const sinceHead = performance.now() - this.#started;
    const queueMs = progress?.queueMs ?? -1;
    const connectMs = progress?.connectMs ?? -1;
    const answeredAt = progress?.answeredAt ?? -1;
    const responseMs =
      answeredAt < 0
        ? -1
        : Math.max(0, Math.round(answeredAt - this.#started - queueMs - connectMs));
    return {
      requestId: this.requestId,
      client: address,
      port: endpoints.port,
      secure: scheme === 'https',
      method: this.method,
      target: this.#target,
      minor: this.minor,
      status: this.status,
      backend: progress?.backend,
      asked: this.outgoing.asked,
      endedAt: Date.now(),
      ms: Math.round(sinceHead + this.#requestMs),
      exactMs: sinceHead,
      requestMs: Math.round(this.#requestMs),
      queueMs: Math.round(queueMs),
      connectMs: Math.round(connectMs),
      responseMs,
      bytes: this.bytes,
      retries: Math.max(0, progress?.retries ?? 0),
      queuedBefore: progress?.queuedBefore ?? 0,
      termination: this.termination,
      aborted,
    };
  }

  /** Over plain HTTP that field is not to be sent (RFC 6797 §7.2). */
  #hsts({ hsts }: AnswerPolicy): string | undefined {
    return this.#secure ? hsts : undefined;
  }

  get #secure(): boolean {
    return this.outgoing.told.proto === 'https';
  }

  #reframingOf(bodyLength: number): Reframing | undefined {
    if (this.minor === 0 && bodyLength === CHUNKED) return new Dechunking();
    if (this.minor === 1 && bodyLength === UNTIL_CLOSE) return new Chunking();
    return undefined;
  }
}

const UNREAD = {
  // No request whose time would count began.
  exactMs: 0,
  method: '',
  target: '',
  minor: 1,
  backend: undefined,
  asked: undefined,
  requestMs: -1,
  queueMs: -1,
  connectMs: -1,
  responseMs: -1,
  retries: 0,
  queuedBefore: 0,
  aborted: false,
} as const;

/**
 * The error page that answers a request whose head could not be read, of latin1 characters, and what there
 * is to log of it.
 * @param headBegan Value of `performance.now()` when its first byte came.
 */
export function unread(
  { endpoints, address, scheme }: Peer,
  failure: GatewayError,
  policy: AnswerPolicy,
  headBegan: number | undefined,
): { readonly page: string; readonly record: ExchangeRecord } {
  const requestId = policy.requestIds.next();
  const secure = scheme === 'https';
  const hsts = secure ? policy.hsts : undefined;
  const page = rawErrorPage(failure.kind, { requestId, hsts }, false);
  const record = {
    ...UNREAD,
    requestId,
    client: address,
    port: endpoints.port,
    secure,
    status: failure.status,
    endedAt: Date.now(),
    ms: headBegan === undefined ? 0 : Math.round(performance.now() - headBegan),
    bytes: page.length,
    termination: terminationOf(failure, 'R'),
  };
  return { page, record };
}
