import type { Fields } from './fields.ts';

// RFC 9110 §15.1: heuristically cacheable by their status alone (308 is left out by HAProxy).
const CACHEABLE_STATUS = new Set([200, 203, 204, 206, 300, 301, 404, 405, 410, 414, 501]);

/**
 * Whether a shared cache may store an answer (RFC 9111 §3), as HAProxy's `nocache` judges it: its
 * status or `public` allows it, no directive forbids it, and it has a lifetime or a validator.
 */
export function mayBeStored(method: string, status: number, fields: Fields): boolean {
  if (fields.value('pragma')?.trim().toLowerCase() === 'no-cache') return false;
  let allowed = (method === 'GET' || method === 'HEAD') && CACHEABLE_STATUS.has(status);
  let fresh = fields.value('expires') !== undefined;
  let expired = false;
  for (const part of fields.value('cache-control')?.split(',') ?? []) {
    const directive = part.trim().toLowerCase();
    const [name] = directive.split('=', 1);
    if (directive === 'public') allowed = true;
    else if (directive === 'max-age=0') expired = true;
    else if (directive === 'no-cache="set-cookie"') continue;
    else if (name === 'private' || name === 'no-cache' || name === 'no-store') allowed = false;
    else if (directive === 's-maxage=0') allowed = false;
    else if (name === 's-maxage') {
      fresh = true;
      expired = false;
    } else if (name === 'max-age') fresh = true;
  }
  const validator =
    fields.value('etag') !== undefined || fields.value('last-modified') !== undefined;
  return allowed && !expired && (fresh || validator);
}
