// A host name, IPv4 address or bracketed IPv6 address, with or without a port: nothing that could
// end the authority of an URL early.
const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?$/i;

/** Whether a Host header is a host, with or without a port. */
export function isAuthority(host: string): boolean {
  return HOST.test(host);
}

/**
 * Where a plain-HTTP request for `host` and `target` is sent: the same place over https, on
 * `httpsPort`; undefined where the Host or target cannot be put into an address.
 */
export function httpsLocation(
  host: string | undefined,
  target: string,
  httpsPort: number,
): string | undefined {
  const name = HOST.exec(host ?? '')?.[1];
  if (!name || !target.startsWith('/')) return undefined;
  return `https://${name}${httpsPort === 443 ? '' : `:${httpsPort}`}${target}`;
}

/** Whether a request is for the bare root, `/` or `/?…`. */
export function isRoot(target: string): boolean {
  return target === '/' || target.startsWith('/?');
}
