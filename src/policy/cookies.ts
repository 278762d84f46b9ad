import type { IncomingHttpHeaders } from 'node:http';

/**
 * Adds `Secure` to a Set-Cookie that lacks it: the site is reached over TLS only. As browsers read it
 * (RFC 6265 §5.2), no more than blanks and tabs stand around an attribute.
 */
export function secureCookie(cookie: string): string {
  return /;[ \t]*secure[ \t]*(;|$)/i.test(cookie) ? cookie : `${cookie}; Secure`;
}

/** As `secureCookie`, for each. */
export function secureCookies(cookies: readonly string[]): string[] {
  return cookies.map(secureCookie);
}

/** The value of the first cookie of that name in a Cookie header. */
export function cookieValue(header: string | undefined, name: string): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    if (nameOf(pair) === name) return pair.slice(pair.indexOf('=') + 1).trim();
  }
  return undefined;
}

/**
 * Whether a Set-Cookie has browsers send a cookie of that name. They keep `=a=b`, which has no name, and
 * send it as `a=b`.
 */
export function setsCookie(cookie: string, name: string): boolean {
  return nameOf(cookie.replace(/^[ \t]*=/, '')) === name;
}

/** A Cookie header without the cookies of that name; '' where nothing is left. */
export function withoutCookie(header: string, name: string): string {
  if (!header.includes(name)) return header;
  const pairs = header.split(';');
  const rest = pairs.filter((pair) => nameOf(pair) !== name);
  return rest.length === pairs.length ? header : rest.join(';').trim();
}

/**
 * Names an operator's login at the admin listener. Browsers send a cookie to every port of its host, so
 * where portal and status page have one name a dashboard would get it, and could set it: it is neither
 * passed on to backends nor taken from them.
 */
export const ADMIN_COOKIE = 'dashgate_admin';

/** What the affinity cookie of an answer depends on. */
export interface AffinityMark {
  /** The backend that the client's cookie named. */
  readonly asked: string | undefined;
  /** The backend that answered. */
  readonly served: string;
  /** A shared cache may store the answer. */
  readonly cacheable: boolean;
}

/**
 * HAProxy's `cookie NAME insert indirect nocache` (configuration manual, "cookie"): the backend is
 * named by a cookie that the proxy sets and takes out again, so that backends never see it.
 */
export class AffinityCookie {
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  /** The backend's name that the client brought, taken out of the headers in place. */
  take(headers: IncomingHttpHeaders): string | undefined {
    const value = this.value(headers.cookie);
    if (value === undefined) return undefined;
    const cookie = this.without(headers.cookie ?? '');
    if (cookie) headers.cookie = cookie;
    else delete headers.cookie;
    return value;
  }

  /** The backend's name in a Cookie header. */
  value(cookie: string | undefined): string | undefined {
    return cookieValue(cookie, this.#name);
  }

  /** A Cookie header without this cookie; '' where nothing is left. */
  without(cookie: string): string {
    return withoutCookie(cookie, this.#name);
  }

  /** Whether a Set-Cookie is of this cookie. */
  isIn(cookie: string): boolean {
    return setsCookie(cookie, this.#name);
  }

  /** The Set-Cookie that names the backend `served`. */
  naming(served: string): string {
    return `${this.#name}=${served}; path=/`;
  }

  /**
   * Marks an answer, in place, where the client was served by another backend than it asked for:
   * sets the cookie and, if `cacheable`, keeps shared caches from storing it. A cookie of that name
   * from the backend itself is removed.
   */
  mark(headers: IncomingHttpHeaders, { asked, served, cacheable }: AffinityMark): void {
    const cookies = headers['set-cookie']?.filter((cookie) => !this.isIn(cookie)) ?? [];
    if (asked !== served) {
      cookies.push(this.naming(served));
      const control = headers['cache-control'];
      if (cacheable) headers['cache-control'] = control ? `${control}, private` : 'private';
    }
    if (cookies.length > 0) headers['set-cookie'] = cookies;
    else delete headers['set-cookie'];
  }
}

function nameOf(pair: string): string {
  const at = pair.indexOf('=');
  return at < 0 ? '' : pair.slice(0, at).trim();
}
