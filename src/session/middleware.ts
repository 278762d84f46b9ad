import { createHmac, randomBytes } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import session from 'express-session';
import { silentLogger } from '../log.ts';
import { newSessionId } from './django-session.ts';
import type { PyValue } from './pickle-values.ts';
import { called, SessionAnswer } from './session-answer.ts';
import { cookieValues, sessionIdOf } from './session-cookie.ts';
import {
  DEFAULT_MAX_AGE_SECONDS,
  SessionStore,
  type SessionStoreOptions,
} from './session-store.ts';

declare module 'express-session' {
  interface SessionData {
    /** Django's own: seconds that the session lives from its last use; 0 lets the cookie end with
     * the browser. */
    _session_expiry?: PyValue;
  }
}

export interface DjangoSessionOptions extends SessionStoreOptions {
  /** The dashboards' SESSION_COOKIE_NAME; `sessionid`. */
  readonly cookieName?: string;
  /**
   * Whether the cookie is marked Secure. `auto`, the default, marks it where the request came by
   * TLS; behind a gateway that terminates TLS, `X-Forwarded-Proto` counts only if the application
   * trusts its proxy (Express's `trust proxy`).
   */
  readonly secure?: boolean | 'auto';
}

/**
 * Express middleware that gives each request the session that Django keeps for it, as
 * `req.session` of express-session: entries of Django's dict under their own names, values as
 * `PyValue` has them. What is not touched is written back as it was, of whatever class. Entries
 * whose names a Session uses itself (`cookie`, `id`, `save`) cannot be seen here, and are kept.
 *
 * Where the store cannot be asked, the request fails with SessionUnavailable (503); where a session
 * was deleted meanwhile, saving it fails with SessionInterrupted (400).
 *
 * Throws TypeError where `cookieName` cannot be the name of a cookie, or `maxAgeSeconds` is not a
 * whole number above 0.
 */
export function djangoSession(options: DjangoSessionOptions): RequestHandler {
  const { cookieName = 'sessionid', secure = 'auto', now = Date.now } = options;
  const { maxAgeSeconds = DEFAULT_MAX_AGE_SECONDS, logger = silentLogger } = options;
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(cookieName)) {
    throw new TypeError(`'${cookieName}' cannot name a cookie: use letters, digits, '-' and '_'`);
  }
  const store = new SessionStore(options);
  const signer = new CookieSigner(cookieName);
  const expressSession = session({
    store,
    secret: signer.secret,
    name: cookieName,
    genid: newSessionId,
    resave: false,
    saveUninitialized: false,
    rolling: true,
    cookie: { maxAge: maxAgeSeconds * 1000, sameSite: 'lax' },
  });
  // express-session has given the store its way to make a session; we take note of each.
  const { generate } = store;
  store.generate = (req) => {
    generate(req);
    store.begin(req.session);
  };

  return (req, res, next) => {
    if (req.session !== undefined) {
      next();
      return;
    }
    const values = cookieValues(req.headers.cookie, cookieName);
    const exchange = { req, res, next, hadCookie: values.length > 0 };
    const answer = new SessionAnswer(exchange, { store, cookieName, secure, logger, now });
    const restore = signer.present(req, sessionIdOf(values));
    expressSession(req, res, (error?: unknown) => {
      restore();
      if (error === undefined) answer.begin();
      next(error);
    });
    restore();
  };
}

/**
 * Gives the session of the request a new id, with the same data: to be called as a user logs in,
 * so that an id somebody planted before is worth nothing (Django's cycle_key). The old one is
 * deleted. Rejects with SessionUnavailable; the request then keeps the session that it had.
 */
export async function cycleKey(req: Request): Promise<void> {
  const store = storeOf(req);
  const { session: old, sessionID: oldId } = req;
  const wasStored = store.isStored(old);
  store.generate(req);
  const { session: fresh, sessionID: id } = req;
  try {
    store.copy(old, fresh);
    await called((callback) => store.set(id, fresh, callback));
  } catch (error) {
    Object.assign(req, { session: old, sessionID: oldId });
    throw error;
  }
  if (wasStored) await called((callback) => store.destroy(oldId, callback));
}

/**
 * Logs out: deletes the session, and has the answer expire its cookie (Django's flush). The request
 * goes on with an empty session. Rejects with SessionUnavailable where it could not be deleted; the
 * request then keeps it. Throws where the answer has begun, and the cookie would stay.
 */
export async function flushSession(req: Request, res: Response): Promise<void> {
  const store = storeOf(req);
  if (res.headersSent) throw new Error('flush the session before the answer begins');
  await called((callback) => store.destroy(req.sessionID, callback));
  store.generate(req);
}

function storeOf(req: Request): SessionStore {
  const store: unknown = req.sessionStore;
  if (store instanceof SessionStore) return store;
  throw new Error('the request has no session: mount djangoSession() before');
}

/**
 * express-session takes only cookies that it signed; Django's are not. So an id is signed on the
 * way in, with a secret that nobody else has: a signed cookie from outside is always a forgery.
 */
class CookieSigner {
  readonly secret = randomBytes(32).toString('base64');
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  /** Lets the request's Cookie header be that of `id` alone until the result is called. */
  present(req: Request, id: string | undefined): () => void {
    const { cookie } = req.headers;
    if (id === undefined) {
      delete req.headers.cookie;
    } else {
      // As cookie-signature, which express-session uses, signs it.
      const hmac = createHmac('sha256', this.secret).update(id).digest('base64');
      const value = `s:${id}.${hmac.replace(/=+$/, '')}`;
      req.headers.cookie = `${this.#name}=${encodeURIComponent(value)}`;
    }
    return () => {
      if (cookie === undefined) delete req.headers.cookie;
      else req.headers.cookie = cookie;
    };
  }
}
