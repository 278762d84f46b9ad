/**
 * The session was deleted while it was in use, by a logout in another request for instance. What
 * was done with it is not stored: a logout is final. Django answers 400 (SessionInterrupted).
 */
export class SessionInterrupted extends Error {
  readonly status = 400;

  constructor() {
    super('the session was deleted before the request completed; log in again');
    this.name = 'SessionInterrupted';
  }
}

/** The session store could not be asked; whether there is a session remains unknown. */
export class SessionUnavailable extends Error {
  readonly status = 503;

  constructor(cause: unknown) {
    super('the session store cannot be reached; try again in a moment', { cause });
    this.name = 'SessionUnavailable';
  }
}

/** The session has more bytes than the store takes. */
export class SessionTooLarge extends Error {
  readonly status = 500;

  constructor(size: number, limit: number, options: { cause?: unknown } = {}) {
    super(
      `the session has ${size} bytes, and the store takes ${limit}: keep less in it, or raise ` +
        "memcached's -I and maxSessionBytes",
      options,
    );
    this.name = 'SessionTooLarge';
  }
}
