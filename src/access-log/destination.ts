import { isIPv6 } from 'node:net';

/** The facilities of syslog (RFC 5424 §6.2.1) by their usual names, each at its number. */
const FACILITIES: readonly string[] = [
  ...['kern', 'user', 'mail', 'daemon', 'auth', 'syslog', 'lpr', 'news', 'uucp', 'cron'],
  ...['authpriv', 'ftp', 'ntp', 'audit', 'alert', 'clock', 'local0', 'local1', 'local2'],
  ...['local3', 'local4', 'local5', 'local6', 'local7'],
];
const INFORMATIONAL = 6;

/** Where the access log goes. */
export type LogDestination =
  | { readonly kind: 'off' | 'stdout' }
  /** A datagram socket of this host, such as /dev/log. */
  | { readonly kind: 'socket'; readonly path: string; readonly facility: string }
  | {
      readonly kind: 'udp';
      readonly host: string;
      readonly port: number;
      readonly facility: string;
    };

const FORM =
  'write stdout, off, syslog:/dev/log or syslog:udp:HOST:PORT, the last two with a facility';

/**
 * Reads `stdout` (or `on`), `off`, `syslog:/dev/log [FACILITY]` or `syslog:udp:HOST:PORT [FACILITY]`.
 * @throws Error whose message completes the sentence "NAME=value …"
 */
export function parseLogDestination(text: string): LogDestination {
  if (text === 'on' || text === 'stdout') return { kind: 'stdout' };
  if (text === 'off') return { kind: 'off' };
  const [where = '', facility = 'local0', ...rest] = text.split(/\s+/);
  if (rest.length > 0 || !where.startsWith('syslog:')) throw new Error(`is not known; ${FORM}`);
  if (!FACILITIES.includes(facility)) {
    throw new Error(`has the facility "${facility}"; write local0 to local7, daemon or user`);
  }
  const path = /^syslog:(\/\S+)$/.exec(where)?.[1];
  if (path !== undefined) return { kind: 'socket', path, facility };
  const udp = /^syslog:udp:(?:\[([0-9a-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/i.exec(where);
  const port = Number(udp?.[3] ?? 514);
  const address = udp?.[1];
  const sound = udp && port >= 1 && port <= 65_535 && (!address || isIPv6(address));
  if (!sound) throw new Error(`is no syslog server; ${FORM}`);
  return { kind: 'udp', host: address ?? udp[2]!, port, facility };
}

/** What a message of syslog begins with (RFC 5424 §6.2.1), of severity informational. */
export function priorityOf(facility: string): number {
  return FACILITIES.indexOf(facility) * 8 + INFORMATIONAL;
}
