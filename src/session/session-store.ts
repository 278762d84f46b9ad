import connectMemcached from 'connect-memcached';
import type { Request } from 'express';
import session, { type Session, type SessionData } from 'express-session';
import { type Logger, silentLogger } from '../log.ts';
import type { MemcachedClient } from '../memcached/client.ts';
import type { Callback } from './callbacks.ts';
import { ConnectMemcachedClient } from './connect-memcached-client.ts';
import { isSessionId, sessionKeyPrefix } from './django-session.ts';
import type { SessionExpiry } from './session-expiry.ts';
import { type SessionLike, SessionRecords, type SessionState } from './session-records.ts';

export interface SessionStoreOptions {
  readonly client: MemcachedClient;
  /** The dashboards' KEY_PREFIX; empty unless told. */
  readonly keyPrefix?: string;
  /** The dashboards' VERSION; 1 unless told. */
  readonly keyVersion?: number;
  /** The dashboards' SESSION_COOKIE_AGE: how long a session lives that says nothing else; 3600. */
  readonly maxAgeSeconds?: number;
  /** Largest session, in bytes of its pickle; what memcached takes with its default `-I 1m`. */
  readonly maxSessionBytes?: number;
  readonly logger?: Logger;
  /** The clock, in ms of unix time; `Date.now` unless told. */
  readonly now?: () => number;
}

export const DEFAULT_MAX_AGE_SECONDS = 3600;

/** 1 MiB, less what memcached keeps with an item: its key and a header. */
const DEFAULT_MAX_SESSION_BYTES = 1024 * 1024 - 1024;

const MemcachedStore = connectMemcached(session);

/**
 * An express-session store of the sessions that Django keeps in memcached: connect-memcached over
 * a client that places and encodes them as the dashboards do.
 *
 * A session object is new until it has been stored or loaded; only then does saving it replace
 * what the store has, and fail with SessionInterrupted where that was deleted.
 */
export class SessionStore extends MemcachedStore {
  /** Gives the request a new session; provided by express-session. */
  declare generate: (req: Request) => void;
  readonly #records: SessionRecords;
  readonly #client: ConnectMemcachedClient;

  /** Throws TypeError where `maxAgeSeconds` is not a whole number above 0. */
  constructor(options: SessionStoreOptions) {
    const { maxAgeSeconds = DEFAULT_MAX_AGE_SECONDS, now = Date.now } = options;
    if (!Number.isSafeInteger(maxAgeSeconds) || maxAgeSeconds <= 0) {
      throw new TypeError(`maxAgeSeconds is ${maxAgeSeconds}: give whole seconds, above 0`);
    }
    const records = new SessionRecords(maxAgeSeconds, now);
    const client = new ConnectMemcachedClient({
      client: options.client,
      records,
      maxSessionBytes: options.maxSessionBytes ?? DEFAULT_MAX_SESSION_BYTES,
      logger: options.logger ?? silentLogger,
    });
    super({ client, prefix: sessionKeyPrefix(options.keyPrefix, options.keyVersion) });
    this.#records = records;
    this.#client = client;
  }

  /** Calls back without a session where the store has none; an error says nothing about it. */
  override get(id: string, callback: (error: unknown, found?: SessionData | null) => void): void {
    if (!isSessionId(id)) {
      process.nextTick(callback, null);
      return;
    }
    // connect-memcached hands an empty session to its caller along with an error.
    super.get(id, (error, found) => (error ? callback(error) : callback(null, found)));
  }

  override createSession(req: Request, loaded: SessionData): Session & SessionData {
    const made = super.createSession(req, loaded);
    this.#records.pass(loaded, made);
    return made;
  }

  /** Prolongs the session's life in the store and leaves what it holds alone. */
  override touch(id: string, current: SessionData, callback: Callback = () => {}): void {
    this.#client.touch(this.getKey(id), current, callback);
  }

  /** Takes note of a session that the store does not have. */
  begin(fresh: SessionLike): void {
    this.#records.begin(fresh);
  }

  /** Copies what `from` holds into `to`, a session that the store does not have. */
  copy(from: SessionLike, to: SessionLike): void {
    this.#records.copy(from, to);
  }

  isStored(current: SessionLike): boolean {
    return this.#records.isStored(current);
  }

  state(current: SessionLike): SessionState {
    return this.#records.state(current);
  }

  expiry(current: SessionLike): SessionExpiry {
    return this.#records.expiry(current);
  }
}
