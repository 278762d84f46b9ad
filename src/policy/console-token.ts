import { cookieValue } from './cookies.ts';

/**
 * The token of the console that a handshake asks for, as nova looks for it: the last one of the
 * query, else the cookie `token`. Undefined where there is none, which is no fault.
 */
export function consoleToken(target: string, cookie: string | undefined): string | undefined {
  const query = target.indexOf('?');
  if (query >= 0) {
    const token = new URLSearchParams(target.slice(query + 1)).getAll('token').at(-1);
    if (token) return token;
  }
  return cookieValue(cookie, 'token') || undefined;
}
