import { isSessionId } from './django-session.ts';

/** What no name of a cookie begins or ends with: a dashboard may take some of it for blanks. */
const AROUND_NAME = /^[^!-~]+|[^!-~]+$/g;
/** RFC 6265 §5.2 has blanks and tabs removed. */
const BLANKS = /^[ \t]+|[ \t]+$/g;

/**
 * The values that a Cookie header has for `name`, as they stand there: none, one, or several where
 * somebody sends several. Django reads the header as UTF-8 and takes more for blanks than others do: a
 * name that is this one but for bytes beyond ASCII around it counts, without a value.
 */
export function cookieValues(header: string | undefined, name: string): string[] {
  return (header ?? '').split(';').flatMap((pair) => {
    const equals = pair.indexOf('=');
    const given = pair.slice(0, equals).replace(BLANKS, '');
    if (equals !== -1 && given === name) return [pair.slice(equals + 1).replace(BLANKS, '')];
    return equals !== -1 && given.replace(AROUND_NAME, '') === name ? [''] : [];
  });
}

/**
 * The session id among the values of the cookie; undefined where there are several, which two
 * readers could tell apart differently, or where it has not the form of one.
 */
export function sessionIdOf(values: readonly string[]): string | undefined {
  return values.length === 1 && isSessionId(values[0]) ? values[0] : undefined;
}

export interface CookieAttributes {
  readonly name: string;
  readonly secure: boolean;
}

/**
 * The Set-Cookie line that Django sends for a session, attributes in its order.
 * @param maxAgeSeconds undefined where the cookie is to end with the browser
 * @param now in ms of unix time
 */
export function sessionCookie(
  { name, secure }: CookieAttributes,
  id: string,
  maxAgeSeconds: number | undefined,
  now: number,
): string {
  const lasting = maxAgeSeconds !== undefined;
  const expires = lasting ? new Date(now + maxAgeSeconds * 1000).toUTCString() : '';
  return [
    `${name}=${id}`,
    ...(lasting ? [`expires=${expires}`] : []),
    'HttpOnly',
    ...(lasting ? [`Max-Age=${maxAgeSeconds}`] : []),
    'Path=/',
    'SameSite=Lax',
    ...(secure ? ['Secure'] : []),
  ].join('; ');
}

/** The Set-Cookie line by which Django has a browser forget its session. */
export function expiredCookie(name: string): string {
  return `${name}=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax`;
}
