import { GatewayError } from '../errors.ts';
import { isAuthority } from './redirect.ts';

/**
 * Refuses what two readers of a request could understand differently and Node's parser lets pass:
 * a repeated Host or one that is no host (RFC 9112 §3.2), or a target that is neither a path nor `*`.
 * @throws GatewayError `badRequest`
 */
export function assertUnambiguous(rawHeaders: readonly string[], target: string): void {
  let hosts = 0;
  let host = '';
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() !== 'host') continue;
    hosts += 1;
    host = rawHeaders[i + 1] ?? '';
  }
  if (hosts > 1) throw new GatewayError('badRequest', 'the request has more than one Host header');
  if (host !== '' && !isAuthority(host)) {
    throw new GatewayError('badRequest', 'the Host header is not a host');
  }
  if ((!target.startsWith('/') && target !== '*') || target.includes('#')) {
    throw new GatewayError('badRequest', 'the request target is not a path');
  }
}

/**
 * Refuses paths at or below one of `denied`, such as Apache's /server-status, however they are
 * spelled (percent-encoded, doubled slashes, dot segments, letter case).
 * @throws GatewayError `forbidden`
 */
export function assertAllowed(target: string, denied: readonly string[]): void {
  const path = plainPath(target);
  for (const prefix of denied) {
    if (isAtOrBelow(path, prefix)) {
      throw new GatewayError('forbidden', `${prefix} is closed to the outside`);
    }
  }
}

/** Whether a target is at or below a path, however it is spelled; '' is above all. */
export function isPathWithin(target: string, path: string): boolean {
  return path === '' || isAtOrBelow(plainPath(target), path);
}

/** A target as a server may read it. */
function plainPath(target: string): string {
  return ODD.test(target) ? normalise(target) : target;
}

/** What may stand for another spelling of a path: escapes, doubled slashes, dot segments. */
const ODD = /^[^?#]*?(?:%|\/\/|\/\.)/;

/** Whether a path, with or without a query, is the prefix or below it, letter case aside. */
function isAtOrBelow(path: string, prefix: string): boolean {
  const end = prefix.length;
  if (path.length < end || (path.length > end && !'/?#'.includes(path[end]!))) return false;
  return path.slice(0, end).toLowerCase() === prefix;
}

function normalise(target: string): string {
  const query = target.search(/[?#]/);
  const plain = query < 0 ? target : target.slice(0, query);
  // Byte by byte, as servers do it: what is not UTF-8 must not hide the rest.
  const path = plain.replace(/%([0-9a-f]{2})/gi, (_, hex) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  return `/${segments.join('/')}`;
}
