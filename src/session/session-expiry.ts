import { PyFloat, PyGlobal, PyObject, type PyValue } from './pickle-values.ts';

/** How long a session lives, as Django reads it from the session's `_session_expiry`. */
export interface SessionExpiry {
  /** Whole seconds that the store keeps it, never 0; below 0 it has expired. */
  readonly ageSeconds: number;
  /** The cookie is to end with the browser. */
  readonly atBrowserClose: boolean;
}

/** Ten years, which stand for any longer time: a date of JavaScript or a cookie has its end. */
const LONGEST_SECONDS = 10 * 365 * 86_400;

/**
 * The life of a session (Django's SessionBase.get_expiry_age): seconds from now, or the time that
 * a datetime, or from Django 4.1 on its ISO form, names; 0 lets the cookie end with the browser.
 * What cannot be understood without Django's settings, such as a time without a zone, counts as
 * absent.
 *
 * @param expiry the session's `_session_expiry`
 * @param maxAgeSeconds the dashboards' SESSION_COOKIE_AGE
 * @param now in ms of unix time
 */
export function sessionExpiry(
  expiry: PyValue | undefined,
  maxAgeSeconds: number,
  now: number,
): SessionExpiry {
  const seconds = typeof expiry === 'boolean' ? Number(expiry) : (secondsOf(expiry, now) ?? null);
  return { ageSeconds: seconds || maxAgeSeconds, atBrowserClose: seconds === 0 };
}

function secondsOf(expiry: PyValue | undefined, now: number): number | undefined {
  if (typeof expiry === 'number' || typeof expiry === 'bigint' || expiry instanceof PyFloat) {
    const seconds = Math.trunc(Number(expiry));
    return Number.isNaN(seconds) ? undefined : clamped(seconds);
  }
  const time = typeof expiry === 'string' ? isoTime(expiry) : dateTime(expiry);
  // A time that has come is in the past, and not Django's 0.
  return time === undefined ? undefined : clamped(Math.floor((time - now) / 1000) || -1);
}

function clamped(seconds: number): number {
  return Math.max(-LONGEST_SECONDS, Math.min(seconds, LONGEST_SECONDS));
}

function isoTime(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text)) return undefined;
  const time = Date.parse(text.replace(' ', 'T'));
  return Number.isNaN(time) ? undefined : time;
}

/**
 * The unix time in ms of a pickled datetime that has a zone: ten bytes of year (two), month, day,
 * hour, minute, second and microseconds (three), most significant first (CPython,
 * datetime.datetime._getstate; the month's top bit is `fold`).
 */
function dateTime(value: PyValue | undefined): number | undefined {
  const [state, zone] = callOf(value, 'datetime.datetime') ?? [];
  if (!(state instanceof Uint8Array) || state.length !== 10) return undefined;
  const offset = offsetSeconds(zone);
  if (offset === undefined) return undefined;
  const bytes = Buffer.from(state);
  const [month = 0, day = 0, hour = 0, minute = 0, second = 0] = bytes.subarray(2);
  const microseconds = bytes.readUIntBE(7, 3);
  const time = Date.UTC(bytes.readUInt16BE(), (month & 0x7f) - 1, day, hour, minute, second);
  return time + microseconds / 1000 - offset * 1000;
}

/** Seconds east of UTC, of the zones that need no database. */
function offsetSeconds(zone: PyValue | undefined): number | undefined {
  if (callOf(zone, 'pytz._UTC') !== undefined) return 0;
  const [delta] = callOf(zone, 'datetime.timezone') ?? [];
  const [days, seconds] = callOf(delta, 'datetime.timedelta') ?? [];
  if (typeof days === 'number' && typeof seconds === 'number') return days * 86_400 + seconds;
  const isUtc = zone instanceof PyObject && zone.args.items[0] === 'UTC';
  return isUtc ? 0 : undefined;
}

/** The arguments of a pickled call of the function or class `name`. */
function callOf(value: PyValue | undefined, name: string): readonly PyValue[] | undefined {
  if (!(value instanceof PyObject) || !(value.callable instanceof PyGlobal)) return undefined;
  return String(value.callable) === name ? value.args.items : undefined;
}
