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
}

const COOKIE_SAFE = /^[A-Za-z0-9._:[\]-]{1,64}$/;

/**
 * Reads a list of backends: comma-separated `http://host:port`, each followed by options that are
 * parted by blanks: `weight=1..256`, `maxconn=N`, `backup`, `name=…`.
 * All problems are given to `report`, each as one sentence; what is sound is returned.
 */
export function parseBackends(text: string, report: (problem: string) => void): BackendAddress[] {
  const backends: BackendAddress[] = [];
  for (const part of text.split(',')) {
    const words = part.trim().split(/\s+/).filter(Boolean);
    if (words.length === 0) {
      report('has an empty entry; remove the superfluous comma');
      continue;
    }
    const backend = parseBackend(words, report);
    if (backend) backends.push(backend);
  }
  const seen = new Set<string>();
  for (const { name } of backends) {
    if (seen.has(name)) report(`names "${name}" twice; give each backend an own address or name=…`);
    seen.add(name);
  }
  return backends;
}

/** `host:port` of an address, with the port always there. */
export function authority(url: URL): string {
  return `${url.hostname}:${url.port || '80'}`;
}

function parseBackend(
  [address = '', ...options]: string[],
  report: (problem: string) => void,
): BackendAddress | undefined {
  const url = parseUrl(address, report);
  let name = url ? authority(url) : '';
  let weight = 1;
  let maxconn = 0;
  let backup = false;
  for (const option of options) {
    const [key, value] = splitOption(option);
    if (key === 'weight') weight = count(option, value, 1, 256, report);
    else if (key === 'maxconn') maxconn = count(option, value, 1, 1_000_000, report);
    else if (key === 'backup' && value === undefined) backup = true;
    else if (key === 'name' && value && COOKIE_SAFE.test(value)) name = value;
    else if (key === 'name') {
      report(`has "${option}"; a name is 1 to 64 letters, digits, or . _ - : and brackets`);
    } else {
      report(
        `has the unknown option "${option}"; known are weight=N, maxconn=N, name=NAME and backup`,
      );
    }
  }
  return url && { name, url, weight, maxconn, backup };
}

function parseUrl(address: string, report: (problem: string) => void): URL | undefined {
  const url = URL.parse(address);
  if (!url || url.hostname === '') {
    report(`has "${address}", which is not an address; write http://host:port`);
    return undefined;
  }
  if (url.protocol !== 'http:') {
    report(`has "${address}"; backends are reached over http:// only`);
    return undefined;
  }
  if (url.username || url.password || url.pathname !== '/' || url.search || url.hash) {
    report(`has "${address}"; write http://host:port without a path, user or query`);
    return undefined;
  }
  return url;
}

function splitOption(option: string): [string, string | undefined] {
  const at = option.indexOf('=');
  return at < 0 ? [option, undefined] : [option.slice(0, at), option.slice(at + 1)];
}

function count(
  option: string,
  value: string | undefined,
  min: number,
  max: number,
  report: (problem: string) => void,
): number {
  const number = value && /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (number >= min && number <= max) return number;
  report(`has "${option}"; it takes a whole number from ${min} to ${max}`);
  return min;
}
