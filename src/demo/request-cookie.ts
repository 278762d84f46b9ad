/**
 * The value of a cookie in a request's Cookie header, as it stands there (nothing is decoded);
 * undefined where it is absent or empty. Of several of one name the first counts.
 */
export function readCookie(header: string | undefined, name: string): string | undefined {
  for (const pair of (header ?? '').split(';')) {
    const equals = pair.indexOf('=');
    if (equals !== -1 && pair.slice(0, equals).trim() === name) {
      return pair.slice(equals + 1).trim() || undefined;
    }
  }
  return undefined;
}
