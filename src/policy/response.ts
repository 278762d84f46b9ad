import type { IncomingHttpHeaders } from 'node:http';
import { secureCookies } from './cookies.ts';
import { stripResponseHeaders } from './forwarded.ts';
import { rewriteLocation, type Site } from './location.ts';

/** Headers of Horizon and HTTP that carry an address for the browser to go to. */
export const ADDRESSES: readonly string[] = ['location', 'x-horizon-location', 'content-location'];

/**
 * Makes a backend's answer fit the public side, in place: hop-by-hop headers go, addresses lead
 * back through the gateway, and cookies are `Secure` where the site is.
 */
export function applyResponsePolicy(headers: IncomingHttpHeaders, site: Site): void {
  stripResponseHeaders(headers);
  for (const name of ADDRESSES) {
    const value = headers[name];
    if (typeof value === 'string') headers[name] = rewriteLocation(value, site);
  }
  if (site.secure && headers['set-cookie']) {
    headers['set-cookie'] = secureCookies(headers['set-cookie']);
  }
}
