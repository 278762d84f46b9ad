import type { IncomingHttpHeaders } from 'node:http';
import { ADMIN_COOKIE, secureCookies, setsCookie } from './cookies.ts';
import { stripResponseHeaders } from './forwarded.ts';
import { rewriteLocation, type Site } from './location.ts';

/** Headers of Horizon and HTTP that carry an address for the browser to go to. */
export const ADDRESSES: readonly string[] = ['location', 'x-horizon-location', 'content-location'];

/**
 * Makes a backend's answer fit the public side, in place: hop-by-hop headers go, addresses lead
 * back through the gateway, cookies are `Secure` where the site is, and none is the gateway's own.
 */
export function applyResponsePolicy(headers: IncomingHttpHeaders, site: Site): void {
  stripResponseHeaders(headers);
  for (const name of ADDRESSES) {
    const value = headers[name];
    if (typeof value === 'string') headers[name] = rewriteLocation(value, site);
  }
  const cookies = headers['set-cookie']?.filter((cookie) => !setsCookie(cookie, ADMIN_COOKIE));
  if (!cookies?.length) delete headers['set-cookie'];
  else headers['set-cookie'] = site.secure ? secureCookies(cookies) : cookies;
}
