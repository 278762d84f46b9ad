/** Where a failure arose: at the client, at a backend, or in the gateway itself. */
export type ErrorSource = 'downstream' | 'upstream' | 'internal';

interface StatusEntry {
  readonly status: number;
  readonly source: ErrorSource;
  /** A sentence for the person at the browser: what happened and what helps. */
  readonly text: string;
}

/** The one table of what can go wrong with a request, and how it is told to the client. */
export const ERROR_TABLE = {
  badRequest: {
    status: 400,
    source: 'downstream',
    text: 'The request could not be understood.',
  },
  forbidden: { status: 403, source: 'downstream', text: 'This address is not open to you.' },
  notLoggedIn: {
    status: 403,
    source: 'downstream',
    text: 'Please log in to the dashboard, then open the console again.',
  },
  requestTimeout: {
    status: 408,
    source: 'downstream',
    text: 'The request did not arrive in time.',
  },
  targetTooLong: { status: 414, source: 'downstream', text: 'The address is too long.' },
  tooManyRequests: {
    status: 429,
    source: 'downstream',
    text: 'Too many requests came from your address. Please try again in a moment.',
  },
  tooManyTunnels: {
    status: 429,
    source: 'downstream',
    text: 'Too many consoles are open from your address. Please close one of them first.',
  },
  headTooLarge: {
    status: 431,
    source: 'downstream',
    text: 'The head of the request is too large. Deleting cookies of this site may help.',
  },
  internal: { status: 500, source: 'internal', text: 'Something went wrong inside the gateway.' },
  notImplemented: {
    status: 501,
    source: 'downstream',
    text: 'This kind of request is not served here.',
  },
  badGateway: {
    status: 502,
    source: 'upstream',
    text: 'The server behind the gateway gave no valid answer. Trying again may help.',
  },
  noBackend: {
    status: 503,
    source: 'upstream',
    text: 'No server is available right now. Please try again in a moment.',
  },
  overloaded: {
    status: 503,
    source: 'internal',
    text: 'The gateway is busy right now. Please try again in a moment.',
  },
  queueTimeout: {
    status: 503,
    source: 'upstream',
    text: 'All servers are busy. Please try again in a moment.',
  },
  sessionsUnavailable: {
    status: 503,
    source: 'upstream',
    text: 'It cannot be seen right now who is logged in. Please try again in a moment.',
  },
  upstreamTimeout: {
    status: 504,
    source: 'upstream',
    text: 'The server behind the gateway took too long to answer.',
  },
  versionNotSupported: {
    status: 505,
    source: 'downstream',
    text: 'This version of HTTP is not served here.',
  },
} as const satisfies Record<string, StatusEntry>;

export type ErrorKind = keyof typeof ERROR_TABLE;

/**
 * A failure of one request or tunnel. Handlers throw it; one place renders it.
 * `retryable` says that nothing of the request reached a backend, so another one may be tried.
 */
export class GatewayError extends Error {
  readonly kind: ErrorKind;
  readonly status: number;
  readonly source: ErrorSource;
  readonly retryable: boolean;
  /** When trying again makes sense, in seconds; undefined: nobody knows. */
  readonly retryAfter: number | undefined;

  constructor(
    kind: ErrorKind,
    message: string,
    options: { cause?: unknown; retryable?: boolean; retryAfter?: number } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'GatewayError';
    this.kind = kind;
    this.status = ERROR_TABLE[kind].status;
    this.source = ERROR_TABLE[kind].source;
    this.retryable = options.retryable ?? false;
    this.retryAfter = options.retryAfter;
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map(messageOf).join('; ');
  }
  return error instanceof Error ? error.message : String(error);
}

/** A command line that cannot be carried out. */
export class UsageError extends Error {}
