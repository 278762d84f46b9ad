import connectMemcached from 'connect-memcached';
import type { RequestHandler } from 'express';
import session, { type SessionData } from 'express-session';
import type { Logger } from '../log.ts';
import { type MemcachedClient, UnavailableError } from '../memcached/client.ts';

declare module 'express-session' {
  interface SessionData {
    /** Says by which password somebody has logged in; undefined: nobody has. */
    admin?: string;
    /** When, in ms of unix time. */
    loginAt?: number;
    /** What a request has to bring that changes something. */
    csrf?: string;
  }
}

export interface AdminSessionsOptions {
  /** Where the sessions are; asked anew each time, for nodes may be exchanged. */
  readonly client: () => Pick<MemcachedClient, 'get' | 'set' | 'delete'>;
  /** Signs the cookies: the same in all gateways. */
  readonly secret: string;
  /** How long a session lives from its last use, in ms. */
  readonly idleMs: number;
  readonly logger: Logger;
}

export const ADMIN_COOKIE = 'dashgate_admin';
/** Nothing of the dashboards begins so. */
const KEY_PREFIX = 'dashgate.admin.session:';
/** What is kept here while memcached is away. */
const MOST_HELD = 1_000;

const MemcachedStore = connectMemcached(session);

type Callback<Result = unknown> = (error?: unknown, result?: Result) => void;

/** The sessions of operators: in memcached, so that a login counts at every gateway. */
export function adminSessions(options: AdminSessionsOptions): RequestHandler {
  return session({
    name: ADMIN_COOKIE,
    secret: options.secret,
    store: new MemcachedStore({ client: new JsonSessions(options), prefix: KEY_PREFIX }),
    resave: false,
    saveUninitialized: false,
    rolling: true,
    cookie: { httpOnly: true, sameSite: 'strict', secure: 'auto', maxAge: options.idleMs },
  });
}

/**
 * What connect-memcached takes for its client. Operators have to get in most of all when memcached is
 * gone: their sessions are then held in this process, and good at this gateway alone.
 */
class JsonSessions {
  readonly #options: AdminSessionsOptions;
  /** By key; null for one that was logged out and could not be deleted. */
  readonly #held = new Map<string, { readonly text: string | null; readonly until: number }>();

  constructor(options: AdminSessionsOptions) {
    this.#options = options;
  }

  get(key: string, callback: Callback<SessionData | undefined>): void {
    answer(this.#get(key), callback);
  }

  set(key: string, value: SessionData, ttl: number, callback: Callback): void {
    answer(this.#set(key, JSON.stringify(value), ttl), callback);
  }

  del(key: string, callback: Callback): void {
    answer(this.#delete(key), callback);
  }

  items(callback: Callback): void {
    callback(new Error('memcached cannot count its sessions'));
  }

  flush(callback: Callback): void {
    callback(new Error('refused: it would flush the whole of memcached'));
  }

  async #get(key: string): Promise<SessionData | undefined> {
    const held = this.#held.get(key);
    if (held !== undefined && held.until > Date.now()) {
      return held.text === null ? undefined : JSON.parse(held.text);
    }
    const item = await unlessAway(() => this.#options.client().get(key));
    return item === 'away' || item === undefined ? undefined : JSON.parse(item.value.toString());
  }

  async #set(key: string, text: string, ttl: number): Promise<void> {
    if (this.#held.get(key)?.text === null) return;
    const done = await unlessAway(() =>
      this.#options.client().set(key, Buffer.from(text), { ttl }),
    );
    if (done === 'away') this.#hold(key, text);
    else this.#held.delete(key);
  }

  async #delete(key: string): Promise<void> {
    this.#held.delete(key);
    const done = await unlessAway(() => this.#options.client().delete(key));
    if (done === 'away') this.#hold(key, null);
  }

  #hold(key: string, text: string | null): void {
    const detail = 'memcached is away: the login counts at this gateway alone';
    if (text !== null && !this.#held.has(key)) this.#options.logger.warn(detail);
    const [oldest] = this.#held.keys();
    if (this.#held.size >= MOST_HELD && oldest !== undefined) this.#held.delete(oldest);
    this.#held.set(key, { text, until: Date.now() + this.#options.idleMs });
  }
}

async function unlessAway<T>(ask: () => Promise<T>): Promise<T | 'away'> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof UnavailableError) return 'away';
    throw error;
  }
}

/** Calls back outside of the promise, so that what the callback throws is not swallowed by it. */
function answer<Result>(promise: Promise<Result>, callback: Callback<Result>): void {
  promise.then(
    (result) => process.nextTick(callback, null, result),
    (error) => process.nextTick(callback, error),
  );
}
