/**
 * Readers of single settings: each takes the text of a variable and gives its value, or throws an
 * Error whose message completes the sentence "NAME=value …" and names the remedy.
 */
import { isIP } from 'node:net';

/** Where to listen. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Reads `host:port`, `[v6]:port`, `:port` or `port`; all addresses where the host is left out. */
export function listenAddress(text: string): ListenAddress {
  const match = /^(?:(?:\[([0-9a-f:.]+)\]|([^:[\]\s/]*)):)?(\d{1,5})$/i.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) {
    throw new Error('is not an address to listen on; write host:port, [v6]:port or :port');
  }
  const [, v6, name] = match;
  if (v6 !== undefined && isIP(v6) !== 6) throw new Error('has a bad IPv6 address in brackets');
  return { host: v6 ?? (name || '::'), port };
}

/** An address as it is written, that of IPv6 in brackets. */
export function hostAndPort({ host, port }: ListenAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Where a client of this host reaches what listens there: a wildcard is no address to connect to. */
export function reachedAt({ host, port }: ListenAddress): ListenAddress {
  return { host: host === '::' || host === '0.0.0.0' ? '127.0.0.1' : host, port };
}

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Longest time that a Node timer can wait, in ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Reads a time such as `500ms`, `10s`, `5m`, `1h` into ms. */
export function duration(text: string): number {
  const match = /^(\d+)(ms|s|m|h|d)$/.exec(text);
  const ms = Number(match?.[1]) * (UNITS[match?.[2] ?? ''] ?? Number.NaN);
  if (Number.isNaN(ms)) {
    throw new Error(
      'is not a time; write a whole number with its unit, such as 500ms, 10s, 5m, 1h',
    );
  }
  if (ms < 1 || ms > MAX_TIMER_MS) throw new Error('is out of range; write 1ms to 24d');
  return ms;
}

/** A reader of whole numbers within bounds. */
export function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new Error(`is not a whole number from ${min} to ${max}`);
  };
}

/** A reader of one of some words. */
export function oneOf<const T extends string>(words: readonly T[]): (text: string) => T {
  return (text) => {
    const word = words.find((candidate) => candidate === text);
    if (word !== undefined) return word;
    throw new Error(`is not known; write one of ${words.join(', ')}`);
  };
}

/** Reads `on` or `off`. */
export function flag(text: string): boolean {
  return oneOf(['on', 'off'])(text) === 'on';
}

/** Reads a comma-separated list; empty text is an empty list. */
export function list(text: string): string[] {
  const entries = text.split(',').map((entry) => entry.trim());
  return entries.filter((entry) => entry !== '');
}

/** Reads an absolute path of an address, such as `/dashboard/`. */
export function urlPath(text: string): string {
  if (/^\/(?!\/)[!-~]*$/.test(text)) return text;
  throw new Error('is not a path; it starts with one slash and has no blanks');
}

/** Reads a cookie name (RFC 6265 §4.1.1: a token). */
export function cookieName(text: string): string {
  if (/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/.test(text)) return text;
  throw new Error('is not a cookie name; write letters, digits, _ or -');
}

/** Reads the value of a Strict-Transport-Security header (RFC 6797 §6.1). */
export function hsts(text: string): string {
  if (/^max-age=\d{1,10}(; ?includeSubDomains)?(; ?preload)?$/i.test(text)) return text;
  throw new Error('is not an HSTS policy; write for example max-age=31536000; includeSubDomains');
}

/** Reads header fields: `Name: value`, parted by `|`. */
export function headerFields(text: string): (readonly [name: string, value: string])[] {
  return text.split('|').map((field) => {
    const match = /^\s*([!#$%&'*+.^_`~0-9A-Za-z-]+):[ \t]*([ -~]*?)\s*$/.exec(field);
    if (!match) throw new Error('is not a list of fields; write Name: value, parted by |');
    return [match[1]!, match[2]!] as const;
  });
}

/** Reads the value of a Host header. */
export function hostHeader(text: string): string {
  const match = /^(?:\[([0-9a-f:.]+)\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/i.exec(text);
  const [, address, port = '0'] = match ?? [];
  if (match && Number(port) <= 65_535 && (address === undefined || isIP(address) === 6))
    return text;
  throw new Error('is not a host name, with or without a port');
}
