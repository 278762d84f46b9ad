import { isIPv6 } from 'node:net';

/** Where one memcached server listens. */
export interface NodeAddress {
  /** `host:port`, `[ipv6]:port` or a socket path: the one form used in messages, logs and maps. */
  readonly text: string;
  /** Host name, IP address without brackets, or the path of a unix socket. */
  readonly host: string;
  /** 0 for a unix socket. */
  readonly port: number;
}

const DEFAULT_PORT = 11211;
const BRACKETED = /^\[([0-9a-f:.]+(?:%[\w.-]+)?)\](?::(\d{1,5}))?$/i;
const NAMED = /^([\w.-]+)(?::(\d{1,5}))?$/;

/**
 * Reads a node as Django's `LOCATION` and its client libraries write it: `host:port`, `host`
 * (port 11211), `[::1]:11211`, `/run/memcached.sock`, and the forms `unix:/run/memcached.sock` and
 * `inet6:[::1]:11211` of python-memcached. The host is kept letter for letter, for placement
 * hashes it. Throws an Error that names the value and the remedy.
 */
export function parseNode(text: string): NodeAddress {
  const plain = text.replace(/^unix:(?=\/)|^inet6:(?=\[)/, '');
  if (/^\/[^\0\s]+$/.test(plain)) return { text: plain, host: plain, port: 0 };

  const match = BRACKETED.exec(plain) ?? NAMED.exec(plain);
  if (match === null || (plain.startsWith('[') && !isIPv6(match[1]!))) {
    const remedy = /^[\da-f]*:[\da-f]*:/i.test(plain)
      ? 'write an IPv6 address in brackets, such as [::1]:11211'
      : 'write host:port, [ipv6]:port or the path of a unix socket';
    throw new Error(`"${text}" is not the address of a memcached node: ${remedy}`);
  }
  const host = match[1]!;
  const port = match[2] === undefined ? DEFAULT_PORT : Number(match[2]);
  if (port < 1 || port > 65535) {
    throw new Error(`"${text}" has the port ${port}: a port is a number from 1 to 65535`);
  }
  return { text: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`, host, port };
}

/** Reads a list of nodes as {@link parseNode} does; throws also if it is empty or names one twice. */
export function parseNodes(texts: readonly string[]): readonly NodeAddress[] {
  if (texts.length === 0) throw new Error('no memcached node is named: name at least one');
  const nodes = texts.map(parseNode);
  const seen = new Set<string>();
  for (const node of nodes) {
    if (seen.has(node.text)) {
      throw new Error(`the memcached node ${node.text} is named twice: name each node once`);
    }
    seen.add(node.text);
  }
  return nodes;
}
