import type { TLSSocket } from 'node:tls';
import connectMemcached from 'connect-memcached';
import type { RequestHandler } from 'express';
import session, { type SessionData } from 'express-session';
import type { Logger } from '../log.ts';
import { type MemcachedClient, ProtocolError, UnavailableError } from '../memcached/client.ts';
import { OWN_KEYS } from '../memcached/own-keys.ts';
import { ADMIN_COOKIE } from '../policy/cookies.ts';
import { RecentMap } from '../recent-map.ts';
import { answer, type Callback } from '../session/callbacks.ts';

declare module 'express-session' {
  interface SessionData {
    /** Proves that somebody has logged in to it, when, and by which password; undefined: nobody has. */
    admin?: string;
    /** When, in ms of unix time. */
    loginAt?: number;
    /** What a request has to bring that changes something. */
    csrf?: string;
    /** It is in memcached: who saves it again must not bring it back after a logout. */
    stored?: boolean;
  }
}

export interface AdminSessionsOptions {
  /**
   * Where the sessions are: the nodes themselves, as the session cache lets its clients at nothing that
   * is the gateways'. Asked anew each time, for nodes may be exchanged.
   */
  readonly client: () => Pick<MemcachedClient, 'get' | 'add' | 'replace' | 'delete'>;
  /** Signs the cookies: the same in all gateways. */
  readonly secret: string;
  /** How long a session lives from its last use, in ms. */
  readonly idleMs: number;
  readonly logger: Logger;
}

/** What is kept here while memcached is away. */
const MOST_HELD = 1_000;
/** A session has some 300 bytes. */
const MOST_BYTES = 4_096;

const MemcachedStore = connectMemcached(session);

/** The sessions of operators: in memcached, so that a login counts at every gateway. */
export function adminSessions(options: AdminSessionsOptions): RequestHandler {
  const load = session({
    name: ADMIN_COOKIE,
    secret: options.secret,
    store: new MemcachedStore({ client: new JsonSessions(options), prefix: OWN_KEYS.adminSession }),
    resave: false,
    saveUninitialized: false,
    rolling: true,
    cookie: { ...COOKIE, secure: 'auto', maxAge: options.idleMs },
  });
  return (req, res, next) => {
    load(req, res, (error) => {
      if (req.session) req.session.cookie.secure = (req.socket as TLSSocket).encrypted === true;
      next(error);
    });
  };
}

const COOKIE = { path: '/', httpOnly: true, sameSite: 'strict' } as const;

/**
 * What connect-memcached takes for its client. Operators have to get in most of all when memcached is
 * gone: their sessions are then held in this process, and good at this gateway alone.
 */
class JsonSessions {
  readonly #options: AdminSessionsOptions;
  /** By key; null for one that was logged out and could not be deleted. */
  readonly #held = new RecentMap<string, Held>(MOST_HELD);
  /** What memcached had when it was last asked: who is in stays in while it is away. */
  readonly #seen = new RecentMap<string, Held>(MOST_HELD);

  constructor(options: AdminSessionsOptions) {
    this.#options = options;
  }

  get(key: string, callback: Callback<SessionData | undefined>): void {
    answer(this.#get(key), callback);
  }

  set(key: string, value: SessionData, ttl: number, callback: Callback): void {
    answer(this.#set(key, value, ttl), callback);
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
    const held = textIn(this.#held, key);
    if (held !== undefined) return held === null ? undefined : this.#sessionIn(held);
    const item = await unlessAway(() => this.#options.client().get(key));
    if (item === 'away') return this.#sessionIn(textIn(this.#seen, key) ?? '');
    this.#seen.delete(key);
    if (item === undefined) return undefined;
    const text = item.value.toString();
    const found = this.#sessionIn(text);
    if (found) this.#keep(this.#seen, key, text);
    return found;
  }

  /**
   * The session of an item; undefined for what is none, so that nobody is kept from logging in by it. Its
   * cookie is as we set it, whatever the item says: a node that lies is not to send logins elsewhere.
   */
  #sessionIn(text: string): SessionData | undefined {
    const fields = fieldsIn(text);
    const { idleMs } = this.#options;
    return fields && { ...fields, cookie: { ...COOKIE, originalMaxAge: idleMs } };
  }

  async #set(key: string, value: SessionData, ttl: number): Promise<void> {
    if (this.#held.get(key)?.text === null) return;
    const text = JSON.stringify({ ...value, stored: true });
    const bytes = Buffer.from(text);
    const done = await unlessAway(async () => {
      const client = this.#options.client();
      // One that is missing has been logged out, perhaps at another gateway.
      if (value.stored && !this.#held.has(key)) await client.replace(key, bytes, { ttl });
      else if (!(await client.add(key, bytes, { ttl }))) await client.replace(key, bytes, { ttl });
    });
    if (done === 'away') this.#hold(key, text);
    else this.#held.delete(key);
  }

  async #delete(key: string): Promise<void> {
    this.#held.delete(key);
    this.#seen.delete(key);
    const done = await unlessAway(() => this.#options.client().delete(key));
    if (done === 'away') this.#hold(key, null);
  }

  #hold(key: string, text: string | null): void {
    const detail = 'memcached is away: the login counts at this gateway alone';
    if (text !== null && !this.#held.has(key)) this.#options.logger.warn(detail);
    this.#keep(this.#held, key, text);
  }

  #keep(sessions: Map<string, Held>, key: string, text: string | null): void {
    sessions.set(key, { text, until: Date.now() + this.#options.idleMs });
  }
}

/** What of a session is read of an item; undefined for what is none. */
function fieldsIn(text: string): Omit<SessionData, 'cookie'> | undefined {
  if (text.length > MOST_BYTES) return undefined;
  try {
    const { admin, csrf, loginAt, stored, cookie } = JSON.parse(text);
    const isTold = (value: unknown, type: string) => value === undefined || typeof value === type;
    const isSound =
      isTold(admin, 'string') &&
      isTold(csrf, 'string') &&
      isTold(loginAt, 'number') &&
      isTold(stored, 'boolean') &&
      typeof cookie?.expires === 'string' &&
      Date.parse(cookie.expires) > Date.now();
    return isSound ? { admin, csrf, loginAt, stored } : undefined;
  } catch {
    return undefined;
  }
}

interface Held {
  readonly text: string | null;
  /** In ms of unix time. */
  readonly until: number;
}

/** Undefined where there is none, or it has run out. */
function textIn(sessions: ReadonlyMap<string, Held>, key: string): string | null | undefined {
  const held = sessions.get(key);
  return held !== undefined && held.until > Date.now() ? held.text : undefined;
}

/** What a node refuses, as one does that is full, is of no more use than one that is away. */
async function unlessAway<T>(ask: () => Promise<T>): Promise<T | 'away'> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof UnavailableError || error instanceof ProtocolError) return 'away';
    throw error;
  }
}
