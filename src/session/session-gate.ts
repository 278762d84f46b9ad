import { GatewayError, messageOf } from '../errors.ts';
import type { Item } from '../memcached/client.ts';
import { sessionKeyPrefix } from './django-session.ts';
import { PickleError, type PyDict, type PyValue } from './pickle-values.ts';
import { cookieValues, sessionIdOf } from './session-cookie.ts';
import { sessionExpiry } from './session-expiry.ts';
import { readSessionItem } from './session-item.ts';

/** Where sessions are looked up: the nodes themselves, or the session cache. */
export interface SessionItems {
  /** Rejects where it cannot be known whether there is such an item. */
  get(key: string): Promise<Item | undefined>;
}

export interface SessionGateOptions {
  readonly items: SessionItems;
  /** The dashboards' SESSION_COOKIE_NAME. */
  readonly cookieName: string;
  /** The dashboards' KEY_PREFIX and VERSION. */
  readonly keyPrefix: string;
  readonly keyVersion: number;
  /** Longest wait for an answer, in ms. */
  readonly timeoutMs?: number;
  /** The clock, in ms of unix time; `Date.now` unless told. */
  readonly now?: () => number;
}

const DEFAULT_TIMEOUT_MS = 2_000;
/** Where Django keeps who is logged in (django.contrib.auth.SESSION_KEY); Horizon does as well. */
const USER_KEY = '_auth_user_id';

/**
 * Lets those pass whose cookie names a live session of the dashboards in which somebody is logged
 * in. It looks each time: a logout counts at once. Sessions of `django.contrib.sessions.backends.cache`
 * alone can be looked up; those in databases or in cookies are not in memcached.
 */
export class SessionGate {
  readonly #options: SessionGateOptions;
  readonly #keyPrefix: string;

  constructor(options: SessionGateOptions) {
    this.#options = options;
    this.#keyPrefix = sessionKeyPrefix(options.keyPrefix, options.keyVersion);
  }

  /**
   * @param cookie the request's Cookie header
   * @throws GatewayError `notLoggedIn`, or `sessionsUnavailable` where nobody can tell in time
   */
  async check(cookie: string | undefined): Promise<void> {
    const { cookieName } = this.#options;
    const values = cookieValues(cookie, cookieName);
    const id = sessionIdOf(values);
    if (id === undefined) {
      const what = values.length === 0 ? 'no' : values.length > 1 ? 'more than one' : 'an unusual';
      throw new GatewayError('notLoggedIn', `there is ${what} cookie ${cookieName}`);
    }
    const item = await this.#item(this.#keyPrefix + id);
    if (!item) throw new GatewayError('notLoggedIn', `${cookieName} names no session in memcached`);
    await this.#assertLoggedIn(item);
  }

  async #item(key: string): Promise<Item | undefined> {
    const { items, timeoutMs = DEFAULT_TIMEOUT_MS } = this.#options;
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error(`silent for ${timeoutMs} ms`)), timeoutMs);
    try {
      return await Promise.race([items.get(key), late.promise]);
    } catch (cause) {
      const detail = `the session cannot be looked up: ${messageOf(cause)}`;
      throw new GatewayError('sessionsUnavailable', detail, { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  async #assertLoggedIn(item: Item): Promise<void> {
    let session: PyDict;
    try {
      session = await readSessionItem(item);
    } catch (error) {
      if (!(error instanceof PickleError)) throw error;
      throw new GatewayError('notLoggedIn', `the item is no session: ${error.message}`);
    }
    const now = this.#options.now?.() ?? Date.now();
    // One that says nothing else lives as long as memcached keeps it.
    const { ageSeconds } = sessionExpiry(entryOf(session, '_session_expiry'), 1, now);
    if (ageSeconds < 0) {
      throw new GatewayError('notLoggedIn', 'the session has expired');
    }
    const user = entryOf(session, USER_KEY);
    if (user === undefined || user === null || user === '') {
      throw new GatewayError('notLoggedIn', 'nobody is logged in in the session');
    }
  }
}

function entryOf(dict: PyDict, key: string): PyValue | undefined {
  if (dict instanceof Map) return dict.get(key);
  return Object.hasOwn(dict, key) ? dict[key] : undefined;
}
