import { hash } from 'node:crypto';
import session, { type Cookie, type SessionData } from 'express-session';
import type { PyDict, PyValue } from './pickle-values.ts';
import { writePickle } from './pickle-writer.ts';
import { type SessionExpiry, sessionExpiry } from './session-expiry.ts';

/** A session as express-session has it, or what the application made in its image. */
export type SessionLike = Partial<SessionData> & Pick<SessionData, 'cookie'>;

/** What is known of one session object beside what it holds. */
interface SessionRecord {
  /** Entries of Django's dict that a Session object has no room for: it uses their names itself. */
  readonly aside: ReadonlyMap<PyValue, PyValue>;
  /** The life that its cookie was given at first; what differs later was set by the application. */
  readonly cookieSeconds: number;
  /** Of what the store holds; undefined while it holds nothing. */
  digest: string | undefined;
}

/**
 * `empty`: new, and nothing is in it; `new`: the store has not got it; `changed` and `unchanged`:
 * against what the store was last known to hold.
 */
export type SessionState = 'empty' | 'new' | 'changed' | 'unchanged';

/** The digest of a session that cannot be pickled, so that it counts as changed. */
const UNWRITABLE = 'unwritable';

/**
 * Knows of each session object whether the store has it, and turns it into Django's dict and back.
 *
 * express-session compares sessions by JSON.stringify, which throws on bigints and cycles, takes
 * exponential time for shared references, and does not see into a Map. So each session is given a
 * `toJSON` that answers with a digest of its pickle. It also keeps tokens out of JSON.
 */
export class SessionRecords {
  readonly #records = new WeakMap<object, SessionRecord>();
  readonly #maxAgeSeconds: number;
  readonly #now: () => number;

  /** @param now the clock, in ms of unix time */
  constructor(maxAgeSeconds: number, now: () => number) {
    this.#maxAgeSeconds = maxAgeSeconds;
    this.#now = now;
  }

  /**
   * What express-session makes a Session of, from the dict that the store holds.
   * @throws PickleError where the dict could not be written back
   */
  load(dict: PyDict): SessionData {
    const entries: [PyValue, PyValue][] = dict instanceof Map ? [...dict] : Object.entries(dict);
    const named = entries.filter(([key]) => typeof key === 'string' && !isReserved(key));
    const aside = new Map(entries.filter(([key]) => typeof key !== 'string' || isReserved(key)));
    const expiry = dict instanceof Map ? dict.get('_session_expiry') : dict._session_expiry;
    const cookie = this.#cookie(sessionExpiry(expiry, this.#maxAgeSeconds, this.#now()));
    const loaded: SessionData = Object.assign(Object.fromEntries(named), { cookie });
    this.#keep(loaded, { aside, cookieSeconds: cookieSeconds(loaded), digest: undefined });
    this.saved(loaded, writePickle(this.#dict(loaded)));
    return loaded;
  }

  /** Takes note of a session that the store does not have. */
  begin(fresh: SessionLike): void {
    const cookie = cookieSeconds(fresh);
    this.#keep(fresh, { aside: new Map(), cookieSeconds: cookie, digest: undefined });
  }

  /** Hands on what is known of `loaded` to the Session that express-session made of it. */
  pass(loaded: SessionLike, made: SessionLike): void {
    this.#keep(made, { ...this.#of(loaded) });
  }

  /** Copies what `from` holds into `to`, a session that the store does not have. */
  copy(from: SessionLike, to: SessionLike): void {
    const { cookie: _, ...entries } = from;
    Object.assign(to, entries);
    to.cookie.originalMaxAge = from.cookie.originalMaxAge;
    this.#keep(to, { ...this.#of(from), digest: undefined });
  }

  /** @throws PickleError where something in the session cannot be pickled */
  pickle(current: SessionLike): Buffer {
    return writePickle(this.#dict(current));
  }

  /** Takes note that the store now holds `pickled` for the session. */
  saved(current: SessionLike, pickled: Buffer): void {
    this.#of(current).digest = digestOf(pickled);
  }

  isStored(current: SessionLike): boolean {
    return this.#of(current).digest !== undefined;
  }

  state(current: SessionLike): SessionState {
    const { digest } = this.#of(current);
    const dict = this.#dict(current);
    if (digest === undefined) return dict.size === 0 ? 'empty' : 'new';
    return digest === this.#digest(dict) ? 'unchanged' : 'changed';
  }

  expiry(current: SessionLike): SessionExpiry {
    const expiry = this.#dict(current).get('_session_expiry') as PyValue | undefined;
    return sessionExpiry(expiry, this.#maxAgeSeconds, this.#now());
  }

  #cookie({ ageSeconds, atBrowserClose }: SessionExpiry): Cookie {
    const lasting = { expires: new Date(this.#now() + ageSeconds * 1000) };
    const life = atBrowserClose ? { expires: null } : lasting;
    const originalMaxAge = atBrowserClose ? null : ageSeconds * 1000;
    return { ...life, originalMaxAge, httpOnly: true, path: '/', sameSite: 'lax' };
  }

  #of(current: SessionLike): SessionRecord {
    if (!this.#records.has(current)) this.begin(current);
    return this.#records.get(current) as SessionRecord;
  }

  #keep(current: SessionLike, record: SessionRecord): void {
    this.#records.set(current, record);
    Object.defineProperty(current, 'toJSON', {
      configurable: true,
      value: () => {
        const dict = this.#dict(current);
        return dict.size === 0 ? {} : { digest: this.#digest(dict) };
      },
    });
  }

  #digest(dict: ReadonlyMap<unknown, unknown>): string {
    try {
      return digestOf(writePickle(dict));
    } catch {
      return UNWRITABLE; // Saving it tells why.
    }
  }

  /** Django's dict of the session; a cookie's life set by the application goes by Django's name. */
  #dict(current: SessionLike): Map<unknown, unknown> {
    const { aside, cookieSeconds: given, digest } = this.#of(current);
    const entries = Object.entries(current).filter(([key]) => key !== 'cookie');
    const dict = new Map<unknown, unknown>([...entries, ...aside]);
    for (const [key, value] of dict) if (value === undefined) dict.delete(key);
    const wanted = cookieSeconds(current);
    const isEmpty = dict.size === 0 && digest === undefined;
    if (wanted !== given && !isEmpty) dict.set('_session_expiry', wanted);
    return dict;
  }
}

function digestOf(pickled: Buffer): string {
  return hash('sha1', pickled);
}

/** Whole seconds that the session's cookie was told to live; 0 until the browser closes. */
function cookieSeconds({ cookie }: SessionLike): number {
  return Math.round((cookie.originalMaxAge ?? 0) / 1000);
}

/** Names that a Session has for itself, or takes from its prototypes. */
function isReserved(name: string): boolean {
  return ['cookie', 'id', 'req', 'toJSON'].includes(name) || name in session.Session.prototype;
}
