import type { Request } from 'express';

/** A Host header as Django takes it (django.http.request.host_validation_re). */
const HOST = /^([a-z0-9.-]+|\[[a-f0-9]*:[a-f0-9.:]+\])(:\d+)?$/i;

/**
 * An absolute URL as Django builds it: from the Host it was sent, and from a scheme that is https
 * only where it was told to trust X-Forwarded-Proto. Throws an error of status 400 on a bad Host.
 */
export function absoluteUrl(req: Request, path: string): string {
  const host = req.headers.host ?? '';
  if (!HOST.test(host)) {
    throw Object.assign(new Error('the Host header is not a host name'), { status: 400 });
  }
  return `${req.secure ? 'https' : 'http'}://${host}${path}`;
}

/** A query parameter's value that is a path, encoded as Django does it: the slashes stay. */
export function encodePath(path: string): string {
  return encodeURIComponent(path).replaceAll('%2F', '/');
}

/** Whether a request was made by a script in the background (Django's old `is_ajax`). */
export function isBackground(req: Request): boolean {
  return req.headers['x-requested-with'] === 'XMLHttpRequest';
}

/** `next` where it is a path on this very host, undefined where it could lead anywhere else. */
export function safeNext(next: unknown): string | undefined {
  if (typeof next !== 'string' || next.length > 2048) return undefined;
  // Browsers read backslashes as slashes and drop control characters, so both could hide a host.
  const isPath = /^\/(?![/\\])[^\\\p{Cc}]*$/u.test(next);
  return isPath && URL.canParse(next, 'http://host.invalid') ? next : undefined;
}

/** A path with exactly one slash at its start, so that it cannot be read as `//host`. */
export function withoutDoubledSlash(path: string): string {
  return path.replace(/^[/\\]+/, '/');
}
