import type { NextFunction, Request, Response } from 'express';
import onHeaders from 'on-headers';
import type { Logger } from '../log.ts';
import { expiredCookie, sessionCookie } from './session-cookie.ts';
import { SessionUnavailable } from './session-errors.ts';
import type { SessionStore } from './session-store.ts';

export interface SessionAnswerOptions {
  readonly store: SessionStore;
  readonly cookieName: string;
  /** Whether the cookie is marked Secure; `auto`: where the request came by TLS. */
  readonly secure: boolean | 'auto';
  readonly logger: Logger;
  readonly now: () => number;
}

/**
 * The answer to one request, as far as its session goes. express-session stores a session once the
 * headers have left, when a logout that came in between can no longer be told. Here, as in Django,
 * the session is stored first; if it cannot be, the answer is the error instead. An answer that is
 * streamed has its session stored as it begins: what is put into the session later is lost.
 *
 * A session that was only read is prolonged. The answer of a failure (status 500 and above) stores
 * nothing and sets no cookie.
 */
export class SessionAnswer {
  readonly #req: Request;
  readonly #res: Response;
  readonly #next: NextFunction;
  readonly #options: SessionAnswerOptions;
  readonly #end: Response['end'];
  /** Whether the request came with a cookie of the session's name, of whatever form. */
  readonly #hadCookie: boolean;
  /** Whether the store has told if there is a session. */
  #known = false;
  /** Set once storing has begun; resolves to whether the answer may go on. */
  #storing: Promise<boolean> | 'nothing to store' | undefined;
  #ended = false;

  /** To be made before express-session sees the request: the last to listen is the first to hear. */
  constructor(
    exchange: { req: Request; res: Response; next: NextFunction; hadCookie: boolean },
    options: SessionAnswerOptions,
  ) {
    this.#req = exchange.req;
    this.#res = exchange.res;
    this.#next = exchange.next;
    this.#hadCookie = exchange.hadCookie;
    this.#options = options;
    this.#end = exchange.res.end;
    onHeaders(this.#res, () => this.#onHeaders());
  }

  /** To be called when express-session has provided `req.session`; takes its place at the end. */
  begin(): void {
    this.#known = true;
    this.#res.end = ((...args: Parameters<Response['end']>) => {
      if (this.#ended) return this.#res;
      const storing = this.#store();
      if (storing === 'nothing to store') return this.#end.apply(this.#res, args);
      this.#ended = true;
      storing.then((stored) => stored && this.#end.apply(this.#res, args));
      return this.#res;
    }) as Response['end'];
  }

  #store(): Promise<boolean> | 'nothing to store' {
    this.#storing ??=
      this.#stored()?.then(
        () => true,
        (error) => this.#fail(error),
      ) ?? 'nothing to store';
    return this.#storing;
  }

  #stored(): Promise<void> | undefined {
    const { session, sessionID } = this.#req;
    const { store } = this.#options;
    if (!this.#known || !session || this.#res.statusCode >= 500) return undefined;
    switch (store.state(session)) {
      case 'empty':
        return undefined;
      case 'unchanged':
        return this.#prolong();
      default:
        return called((callback) => store.set(sessionID, session, callback));
    }
  }

  /** Not to prolong a session loses nothing yet: only that it was deleted counts. */
  async #prolong(): Promise<void> {
    const { session, sessionID } = this.#req;
    const { store, logger } = this.#options;
    try {
      await called((callback) => store.touch(sessionID, session, callback));
    } catch (error) {
      if (!(error instanceof SessionUnavailable)) throw error;
      logger.warn({ err: error.cause }, 'a session was not prolonged');
    }
  }

  /** Gives the answer to the error handlers; the session, of which all is unsure now, is gone. */
  #fail(error: unknown): false {
    this.#known = false;
    this.#ended = false;
    this.#storing = 'nothing to store';
    Reflect.set(this.#req, 'session', undefined);
    process.nextTick(this.#next, error);
    return false;
  }

  /** Puts Django's cookie in the place of express-session's. */
  #onHeaders(): void {
    this.#store();
    const { cookieName } = this.#options;
    const lines = [this.#res.getHeader('Set-Cookie') ?? []].flat().map(String);
    const others = lines.filter((line) => !line.startsWith(`${cookieName}=s%3A`));
    const isOurs = this.#known && !others.some((line) => line.startsWith(`${cookieName}=`));
    const line = isOurs ? this.#cookie(others.length < lines.length) : undefined;
    if (line !== undefined) others.push(line);
    if (others.length > 0) this.#res.setHeader('Set-Cookie', others);
    else this.#res.removeHeader('Set-Cookie');
    if (this.#known) this.#res.vary('Cookie');
  }

  /** @param wanted whether express-session set its own */
  #cookie(wanted: boolean): string | undefined {
    const { session, sessionID, secure } = this.#req;
    const { store, cookieName: name, now } = this.#options;
    if (this.#res.statusCode >= 500) return undefined;
    if (!session || store.state(session) === 'empty') {
      return this.#hadCookie ? expiredCookie(name) : undefined;
    }
    if (!wanted) return undefined;
    const { ageSeconds, atBrowserClose } = store.expiry(session);
    const isSecure = this.#options.secure === 'auto' ? secure : this.#options.secure;
    const maxAge = atBrowserClose ? undefined : ageSeconds;
    return sessionCookie({ name, secure: isSecure }, sessionID, maxAge, now());
  }
}

/** The outcome of a call that takes a Node callback, as a promise. */
export function called(call: (callback: (error?: unknown) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    call((error) => (error ? reject(error) : resolve()));
  });
}
