import { randomBytes } from 'node:crypto';
import {
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
  Router,
  urlencoded,
} from 'express';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import type { Logger } from '../log.ts';
import { ADMIN_COOKIE } from '../policy/cookies.ts';
import { plainAddress } from '../policy/networks.ts';
import { subscriber } from '../policy/seats.ts';
import { RecentMap } from '../recent-map.ts';
import { type AdminSessionsOptions, adminSessions } from './admin-sessions.ts';
import { bearerToken, type Credentials, isSame, loginProof } from './credentials.ts';
import { loginPage } from './login-page.ts';
import { refuse } from './refusals.ts';

export interface AccessOptions {
  readonly sessions: AdminSessionsOptions['client'];
  /** Signs what browsers are given: the same in all gateways. A reload may change it. */
  readonly secret: () => string;
  /** What holds now: a reload may change it. */
  readonly credentials: () => Credentials;
  readonly logger: Logger;
}

/** How somebody came in, for the audit. */
export type Visitor = 'open' | 'token' | 'login';

/** A login that is not used ends after an hour, and any after half a day; in ms. */
const IDLE_MS = 60 * 60 * 1000;
const LONGEST_MS = 12 * 60 * 60 * 1000;
/** Wrong passwords and tokens from one address, and from all together, in a minute. */
const ADDRESS_TRIES = 5;
const ALL_TRIES = 100;
const TRY_SECONDS = 60;

/** Addresses whose logins were good, of late, that are not kept out by what others try. */
const MOST_KNOWN = 1_000;

const LOGIN_PATHS = new Set(['/login', '/logout']);
const CHANGING = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);
const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

/**
 * Who may use the admin listener. Without password and token it is open, to whoever reaches it by a
 * name of this host: another name may be one that a web page had resolved to it (DNS rebinding).
 * Otherwise a login or the token is needed. Whatever changes something has to bring the token of
 * `/api/csrf`, which no page of another origin can read, or the bearer token.
 */
export class Access {
  readonly #options: AccessOptions;
  /** Where nobody logs in, it is the process that has a token. */
  readonly #openCsrf = randomBytes(24).toString('base64url');
  readonly #perAddress = new RateLimiterMemory({ points: ADDRESS_TRIES, duration: TRY_SECONDS });
  readonly #all = new RateLimiterMemory({ points: ALL_TRIES, duration: TRY_SECONDS });
  readonly #known = new RecentMap<string, true>(MOST_KNOWN);
  #sessionsBy: { readonly secret: string; readonly handler: RequestHandler } | undefined;

  constructor(options: AccessOptions) {
    this.#options = options;
  }

  /** Lets through who may come in, and tells the others what to do. */
  routes(): Router {
    const router = Router();
    // Only who has a cookie, or may get one, is worth a look into memcached.
    router.use((req, res, next) => {
      const hasToken = bearerToken(req.headers.authorization) !== undefined;
      if (this.#isOpen || (hasToken && !LOGIN_PATHS.has(req.path))) next();
      else this.#sessions(req, res, next);
    });
    router.get('/login', (req, res) => {
      if (this.#hasLogin(req)) res.redirect(303, '/');
      else res.send(loginPage().text);
    });
    router.post('/login', urlencoded({ extended: false, limit: '4kb' }), (req, res, next) => {
      this.#login(req, res).catch(next);
    });
    router.post('/logout', urlencoded({ extended: false, limit: '4kb' }), (req, res, next) => {
      if (!this.#isGenuine(req)) return forbid(res);
      // Where the listener is open nobody has logged in.
      if (!req.session) return res.redirect(303, '/');
      req.session.destroy((error) => {
        if (error) return next(error);
        res.clearCookie(ADMIN_COOKIE).redirect(303, '/login');
      });
    });
    router.use((req, res, next) => {
      // What pages are made of tells nothing, and the login page needs it.
      if (req.method === 'GET' && req.path.startsWith('/page/')) next();
      else this.#guard(req, res, next).catch(next);
    });
    router.get('/api/csrf', (_req, res) => {
      res.json({ token: this.csrfToken(res) });
    });
    return router;
  }

  /** What a request that changes something has to bring, as the answer may tell it. */
  csrfToken(res: Response): string | undefined {
    return this.#isOpen ? this.#openCsrf : res.req.session?.csrf;
  }

  /** Sessions of logins, by the secret of now. */
  get #sessions(): RequestHandler {
    const secret = this.#options.secret();
    if (this.#sessionsBy?.secret === secret) return this.#sessionsBy.handler;
    const { sessions: client, logger } = this.#options;
    const handler = adminSessions({ client, secret, idleMs: IDLE_MS, logger });
    this.#sessionsBy = { secret, handler };
    return handler;
  }

  get #isOpen(): boolean {
    const { password, token } = this.#options.credentials();
    return password === undefined && token === undefined;
  }

  async #guard(req: Request, res: Response, next: NextFunction): Promise<void> {
    const visitor = await this.#identify(req, res);
    if (visitor === undefined) return;
    if (CHANGING.has(req.method) && visitor !== 'token' && !this.#isGenuine(req)) {
      forbid(res);
      return;
    }
    res.locals.visitor = visitor;
    next();
  }

  /** Undefined where an answer has been given. */
  async #identify(req: Request, res: Response): Promise<Visitor | undefined> {
    if (this.#isOpen) {
      if (isForeignPage(req)) {
        forbid(res);
        return undefined;
      }
      if (LOOPBACK_HOST.test(req.headers.host ?? '')) return 'open';
      refuse(res, 403, {
        error: 'the admin listener has no password, and is open to names of this host only',
        remedy: 'ask for 127.0.0.1 or localhost, or set ADMIN_PASSWORD or ADMIN_TOKEN',
      });
      return undefined;
    }
    const { token } = this.#options.credentials();
    const bearer = bearerToken(req.headers.authorization);
    if (bearer !== undefined && token !== undefined) {
      // Whoever has it is not to be kept out by others who guess.
      if (isSame(bearer, token)) return 'token';
      if (!(await this.#mayTry(req, res))) return undefined;
    } else if (this.#hasLogin(req)) return 'login';
    if (req.method === 'GET' && req.accepts(['json', 'html']) === 'html' && !bearer) {
      res.redirect(303, '/login');
      return undefined;
    }
    res.set('www-authenticate', 'Bearer realm="Dashgate"');
    refuse(res, 401, {
      error: bearer === undefined ? 'a login is needed' : 'the token is wrong',
      remedy: 'send Authorization: Bearer with ADMIN_TOKEN, or log in at /login',
    });
    return undefined;
  }

  async #login(req: Request, res: Response): Promise<void> {
    const { password } = this.#options.credentials();
    const { logger } = this.#options;
    if (!isSameSite(req)) {
      forbid(res);
      return;
    }
    if (password === undefined) {
      res.status(403).send(loginPage('There is no password: set ADMIN_PASSWORD.').text);
      return;
    }
    const from = addressOf(req);
    if (!(await this.#mayTry(req, res))) return;
    const given: unknown = req.body?.password;
    if (typeof given !== 'string' || !isSame(given, password)) {
      logger.warn({ from }, 'a login to the admin pages failed: the password was wrong');
      res.status(401).send(loginPage('That is not the password.').text);
      return;
    }
    await this.#giveBack(req);
    // An id that somebody planted before is worth nothing.
    await new Promise<void>((resolve, reject) => {
      req.session.regenerate((error) => (error ? reject(error) : resolve()));
    });
    const at = Date.now();
    req.session.admin = loginProof(
      { password, session: req.sessionID, at },
      this.#options.secret(),
    );
    req.session.loginAt = at;
    req.session.csrf = randomBytes(24).toString('base64url');
    logger.info({ from }, 'somebody has logged in to the admin pages');
    res.redirect(303, '/');
  }

  #hasLogin(req: Request): boolean {
    const { password } = this.#options.credentials();
    const { admin, loginAt: at = 0 } = req.session ?? {};
    if (password === undefined || admin === undefined) return false;
    if (Date.now() - at > LONGEST_MS) return false;
    const proof = loginProof({ password, session: req.sessionID, at }, this.#options.secret());
    return isSame(admin, proof);
  }

  #isGenuine(req: Request): boolean {
    const expected = this.#isOpen ? this.#openCsrf : req.session?.csrf;
    const given: unknown = req.headers['x-csrf-token'] ?? req.body?.csrf;
    if (expected === undefined || typeof given !== 'string') return false;
    return isSameSite(req) && isSame(given, expected);
  }

  /** Counts a try; false where there were too many, which has been answered. */
  async #mayTry(req: Request, res: Response): Promise<boolean> {
    try {
      const address = addressOf(req);
      await this.#perAddress.consume(address);
      if (!this.#known.has(address)) await this.#all.consume('all');
      return true;
    } catch (limit) {
      if (limit instanceof Error) throw limit;
      const { msBeforeNext, consumedPoints } = limit as RateLimiterRes;
      const seconds = Math.ceil(msBeforeNext / 1000);
      // Once, or who guesses on would fill the log.
      if (consumedPoints === ADDRESS_TRIES + 1 || consumedPoints === ALL_TRIES + 1) {
        this.#options.logger.warn({ from: addressOf(req) }, 'too many logins to the admin pages');
      }
      res.set('retry-after', String(seconds));
      const error = `too many wrong passwords or tokens; try again in ${seconds} s`;
      if (req.path === '/login') res.status(429).send(loginPage(`${error}.`).text);
      else refuse(res, 429, { error, remedy: 'look at ADMIN_TOKEN on both sides' });
      return false;
    }
  }

  /** A try that was good is none; those before it stay, for an address may be of several people. */
  async #giveBack(req: Request): Promise<void> {
    const address = addressOf(req);
    await this.#perAddress.reward(address);
    if (!this.#known.has(address)) await this.#all.reward('all');
    this.#known.set(address, true);
  }
}

function forbid(res: Response): void {
  refuse(res, 403, {
    error: 'the request does not come from a page of this gateway',
    remedy: 'send the token of GET /api/csrf as X-CSRF-Token, or ADMIN_TOKEN as bearer token',
  });
}

function addressOf(req: Request): string {
  return subscriber(plainAddress(req.socket.remoteAddress));
}

/** Something that a page of another origin asks for, and no link that somebody has followed. */
function isForeignPage({ headers }: Request): boolean {
  const site = headers['sec-fetch-site'];
  const isForeign = site === 'cross-site' || site === 'same-site';
  return isForeign && headers['sec-fetch-mode'] !== 'navigate';
}

/** Browsers say where a request comes from (Fetch Metadata, §2.1), or at least its origin. */
function isSameSite(req: Request): boolean {
  const site = req.headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  const { origin, host } = req.headers;
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}
