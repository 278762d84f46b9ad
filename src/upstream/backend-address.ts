import { messageOf } from '../errors.ts';
import { type BackendOptions, parseBackendOptions } from './backend-options.ts';
import type { BackendTls, BackendTlsOptions } from './backend-tls.ts';

/** One backend as it is configured. */
export interface BackendAddress {
  /** Unique in its pool; `host:port` unless given. Stands in logs, metrics and affinity cookies. */
  readonly name: string;
  readonly url: URL;
  /** Share of the work, 1 to 256. */
  readonly weight: number;
  /** Most leases at once; 0 for no limit. */
  readonly maxconn: number;
  /** Takes work only while no other backend is usable. */
  readonly backup: boolean;
  /** TLS of the connections to it: there with https://, and only there. */
  readonly tls?: BackendTls | undefined;
  /** Version of the PROXY protocol header that each connection to it begins with. */
  readonly sendProxy?: 'v1' | 'v2' | undefined;
}

/** It stands in Host, in logs and, with the port, in affinity cookies; a URL may have more than these. */
const HOST = /^(?:[\w.-]+|\[[0-9a-f:.]+\])$/i;

/**
 * Reads a list of backends: comma-separated `http://host:port` or `https://host:port`, each followed
 * by options that are parted by blanks: `weight=1..256`, `maxconn=N`, `backup`, `name=…`,
 * `send-proxy`, `send-proxy-v2`, and with https:// `ca=FILE`, `verify=off`, `sni=NAME`.
 * All problems are given to `report`, each as one sentence; what is sound is returned.
 * @param secure Makes the TLS of a backend; throws Error that completes the sentence "ca=file …".
 *   Without it there is http:// alone.
 */
export function parseBackends(
  text: string,
  report: (problem: string) => void,
  secure?: (options: BackendTlsOptions) => BackendTls,
): BackendAddress[] {
  const backends: BackendAddress[] = [];
  for (const part of text.split(',')) {
    const words = part.trim().split(/\s+/).filter(Boolean);
    if (words.length === 0) {
      report('has an empty entry; remove the superfluous comma');
      continue;
    }
    const backend = parseBackend(words, report, secure);
    if (backend) backends.push(backend);
  }
  const seen = new Set<string>();
  for (const { name } of backends) {
    if (seen.has(name)) report(`names "${name}" twice; give each backend an own address or name=…`);
    seen.add(name);
  }
  return backends;
}

/** The port of an address, be it written or not. */
export function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port);
  return isHttps(url) ? 443 : 80;
}

/** `host:port` of an address, with the port always there. */
export function authority(url: URL): string {
  return `${url.hostname}:${portOf(url)}`;
}

/** Whether a backend of that address is reached over TLS. */
export function isHttps(url: URL): boolean {
  return url.protocol === 'https:';
}

function parseBackend(
  [address = '', ...words]: string[],
  report: (problem: string) => void,
  secure?: (options: BackendTlsOptions) => BackendTls,
): BackendAddress | undefined {
  const url = parseUrl(address, secure ? ['http:', 'https:'] : ['http:'], report);
  const options = parseBackendOptions(words, !url || isHttps(url), report);
  if (!url) return undefined;
  return {
    name: options.name ?? authority(url),
    url,
    weight: options.weight ?? 1,
    maxconn: options.maxconn ?? 0,
    backup: options.backup ?? false,
    tls: secure && isHttps(url) ? tlsOf(url, options, report, secure) : undefined,
    sendProxy: options.sendProxy,
  };
}

function tlsOf(
  { hostname }: URL,
  { caFile, verify = true, serverName }: BackendOptions,
  report: (problem: string) => void,
  secure: (options: BackendTlsOptions) => BackendTls,
): BackendTls | undefined {
  try {
    return secure({ hostname, caFile, verify, serverName });
  } catch (error) {
    report(`has "ca=${caFile}", which ${messageOf(error)}`);
    return undefined;
  }
}

function parseUrl(
  address: string,
  schemes: readonly string[],
  report: (problem: string) => void,
): URL | undefined {
  const url = URL.parse(address);
  const known = schemes.map((scheme) => `${scheme}//`).join(' or ');
  if (!url || !HOST.test(url.hostname)) {
    report(`has "${address}", which is not an address; write http://host:port`);
    return undefined;
  }
  if (!schemes.includes(url.protocol)) {
    report(`has "${address}"; backends are reached over ${known} only`);
    return undefined;
  }
  if (url.username || url.password || url.pathname !== '/' || url.search || url.hash) {
    report(`has "${address}"; write ${url.protocol}//host:port without a path, user or query`);
    return undefined;
  }
  return url;
}
