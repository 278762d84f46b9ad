import type { Forwarding } from './forwarded.ts';

/** What an address in an answer is compared with. */
export interface Site {
  /** The Host that the client asked for, port included. */
  readonly host: string;
  /** Whether the client came over TLS. */
  readonly secure: boolean;
  /** `host:port` of every backend of the service. */
  readonly backends: ReadonlySet<string>;
}

/** Where an address without a port leads; without a scheme, it has that of its page. */
const PORTS: Readonly<Record<string, readonly string[]>> = {
  'http:': ['80'],
  'https:': ['443'],
  '': ['80', '443'],
};

/** The site as the client knows it: a trusted proxy in front may be where it connects to. */
export function siteOf({ host, proto }: Forwarding, backends: ReadonlySet<string>): Site {
  return { host, secure: proto === 'https', backends };
}

const ABSOLUTE = /^(https?:)?\/\/([^/?#\\]*)(.*)$/is;

/**
 * Turns an absolute address that points at this site over http, or at a backend, into one that
 * leads the browser back through the gateway; everything else stays as it is. Serves `Location`
 * and `X-Horizon-Location`, for backends that know nothing of TLS (Apache's
 * `Header edit Location ^http://(.*)$ https://$1`, limited to what is ours).
 */
export function rewriteLocation(location: string, site: Site): string {
  const match = ABSOLUTE.exec(location);
  if (!match || site.host === '') return location;
  const [, scheme = '', authority = '', rest = ''] = match;
  const own = site.secure ? 'https:' : 'http:';
  if (PORTS[scheme.toLowerCase()]?.some((port) => site.backends.has(withPort(authority, port)))) {
    return `${scheme && own}//${site.host}${rest}`;
  }
  if (site.secure && scheme.toLowerCase() === 'http:' && isSite(authority, site.host)) {
    return `${own}//${site.host}${rest}`;
  }
  return location;
}

/** `http://host` and `http://host:80` mean this site too, whatever port it is reached by. */
function isSite(authority: string, host: string): boolean {
  const asked = authority.toLowerCase();
  const here = host.toLowerCase();
  if (asked === here) return true;
  const name = here.replace(/:\d+$/, '');
  return asked === name || asked === `${name}:80`;
}

function withPort(authority: string, port: string): string {
  const asked = authority.toLowerCase();
  return /:\d+$/.test(asked) ? asked : `${asked}:${port}`;
}
