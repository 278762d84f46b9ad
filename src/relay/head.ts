import type { HeaderLines } from './header-lines.ts';

/** Bounds of a message head: bytes of its first line, bytes of it all, and number of its lines. */
export interface HeadLimits {
  readonly startLineBytes: number;
  readonly headBytes: number;
  readonly headerCount: number;
}

export const DEFAULT_HEAD_LIMITS: HeadLimits = {
  startLineBytes: 8192,
  headBytes: 32_768,
  headerCount: 100,
};

/** `bodyLength` of a message is a count of bytes or one of these two. */
export const CHUNKED = -1;
export const UNTIL_CLOSE = -2;

export type HeadErrorStatus = 400 | 414 | 431 | 501 | 505;

/**
 * A message that the relay refuses. `status` is what a client is answered; from a backend it is a
 * 502 all the same. `reason` says what was wrong, quotes nothing of the message, and is `message`.
 */
export class HeadError extends Error {
  readonly status: HeadErrorStatus;
  readonly reason: string;

  constructor(status: HeadErrorStatus, reason: string) {
    // Where in the parser it was noticed says nothing, and telling that would be half of the work of
    // refusing.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(reason);
    Error.stackTraceLimit = stackTraceLimit;
    this.name = 'HeadError';
    this.status = status;
    this.reason = reason;
  }
}

/** The head of a request, checked. `lines` is the parser's own: valid until its next `parse`. */
export interface RequestHead {
  method: string;
  /** Origin-form (absolute-form was reduced to it), `*`, or the authority of a CONNECT. */
  target: string;
  /** Minor version of HTTP/1: 0, or 1 for 1.1 and above (RFC 9110 §2.5). */
  minor: 0 | 1;
  /** Authority of an absolute-form target, else the Host field; '' in an HTTP/1.0 without one. */
  host: string;
  /** Bytes of the body, or CHUNKED. */
  bodyLength: number;
  /** The client lets the connection live on after the answer (RFC 9112 §9.3). */
  keepAlive: boolean;
  /** Value of Upgrade where Connection names it, else ''. */
  upgrade: string;
  /** The client waits for `100 Continue` before it sends the body (RFC 9110 §10.1.1). */
  expectContinue: boolean;
  lines: HeaderLines;
}

/** The head of a response, checked. `lines` is the parser's own: valid until its next `parse`. */
export interface ResponseHead {
  status: number;
  reason: string;
  minor: 0 | 1;
  /** Bytes of the body, CHUNKED or UNTIL_CLOSE; 0 after HEAD and for 1xx, 204 and 304. */
  bodyLength: number;
  keepAlive: boolean;
  /** Value of Upgrade where Connection names it, else ''. */
  upgrade: string;
  lines: HeaderLines;
}
