import { isIP } from 'node:net';

/** Where a frontend listens. */
export interface BindAddress {
  /** Name or IP address; '' for all of IPv4, '::' for all. */
  readonly host: string;
  readonly port: number | undefined;
  /** Why it is no address of a TCP listener; completes "… is". */
  readonly problem?: string | undefined;
}

/** Where a server is. */
export interface ServerAddress {
  readonly host: string;
  readonly port:
    | { readonly kind: 'fixed'; readonly port: number }
    /** The port that the client connected to, plus so much. */
    | { readonly kind: 'offset'; readonly offset: number };
}

/** Reads the address of a `bind`: addresses parted by commas, each `host:port`, `:port`, `*:port`. */
export function bindAddresses(text: string): BindAddress[] {
  return text.split(',').map(bindAddress);
}

function bindAddress(text: string): BindAddress {
  const other = otherFamily(text);
  if (other !== undefined) return { host: '', port: undefined, problem: other };
  const { host, port } = split(text.replace(/^(?:ipv[46]|tcp[46]?)@/, ''));
  const range = /^(\d+)-(\d+)$/.exec(port);
  if (range && range[1] !== range[2]) {
    return { host, port: undefined, problem: 'a range of ports' };
  }
  const number = portNumber(range?.[1] ?? port);
  if (number === undefined || !isHost(host)) {
    return { host, port: undefined, problem: 'what is no address with a port' };
  }
  return { host: host === '*' || host === '0.0.0.0' ? '' : host, port: number };
}

/** Reads the address of a `server`; undefined where it is none that TCP reaches. */
export function serverAddress(text: string): ServerAddress | undefined {
  if (otherFamily(text) !== undefined) return undefined;
  const { host, port } = split(text.replace(/^(?:ipv[46]|tcp[46]?)@/, ''));
  if (host === '' || host === '*' || !isHost(host)) return undefined;
  const offset = /^([+-])(\d{1,5})$/.exec(port);
  if (port === '') return { host, port: { kind: 'offset', offset: 0 } };
  if (offset) {
    return { host, port: { kind: 'offset', offset: Number(`${offset[1]}${offset[2]}`) } };
  }
  const number = portNumber(port);
  return number === undefined ? undefined : { host, port: { kind: 'fixed', port: number } };
}

/** An address as `host:port`, an IPv6 one in brackets. */
export function hostPort(host: string, port: number): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The address as a listener of Dashgate has it. */
export function listenText({ host }: Pick<BindAddress, 'host'>, port: number): string {
  if (host === '::') return `:${port}`;
  return hostPort(host === '' ? '0.0.0.0' : host, port);
}

function otherFamily(text: string): string | undefined {
  if (text.startsWith('/') || /^(?:unix|uxst|uxdg)@/.test(text)) return 'a Unix socket';
  if (/^(?:abns|abnsz|fd|sockpair|rhttp|rev)@/.test(text)) return 'no TCP address';
  if (/^(?:quic|udp)[46]?@/.test(text)) return 'an address of QUIC or UDP';
  return undefined;
}

/** The last colon parts host and port, brackets or not: `::1:80` is port 80 of ::1. */
function split(text: string): { host: string; port: string } {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  if (bracketed) return { host: bracketed[1]!, port: bracketed[2] ?? '' };
  const at = text.lastIndexOf(':');
  if (at < 0) return { host: text, port: '' };
  return { host: text.slice(0, at), port: text.slice(at + 1) };
}

function portNumber(text: string): number | undefined {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  return number >= 1 && number <= 65_535 ? number : undefined;
}

function isHost(host: string): boolean {
  return (
    host === '' || host === '*' || isIP(host) !== 0 || /^[a-z0-9_]([a-z0-9._-]{0,252})$/i.test(host)
  );
}
