import type { Socket } from 'node:net';
import { isIPv4 } from 'node:net';
import { type Endpoints, endpointsOf, ipBytes, ipText, ipv6Bytes } from './endpoints.ts';

/** Begins every header of version 2. */
export const PROXY_V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

const LOCAL = Buffer.concat([PROXY_V2_SIGNATURE, Buffer.of(0x20, 0x00, 0, 0)]);

/**
 * A PROXY protocol header of version 1 (haproxy.org, proxy-protocol.txt §2.1), to be written
 * before anything else. Without endpoints it says that they are unknown.
 * @throws Error where an address is no IP address.
 */
export function encodeProxyV1(endpoints: Endpoints | undefined): Buffer {
  if (!endpoints) return Buffer.from('PROXY UNKNOWN\r\n');
  const { port, localPort } = endpoints;
  const source = plain(endpoints.address);
  const destination = plain(endpoints.localAddress);
  const addresses =
    isIPv4(source) && isIPv4(destination)
      ? `TCP4 ${source} ${destination}`
      : `TCP6 ${mapped(source)} ${mapped(destination)}`;
  return Buffer.from(`PROXY ${addresses} ${port} ${localPort}\r\n`);
}

/**
 * A PROXY protocol header of version 2 (§2.2), to be written before anything else. Without
 * endpoints it says that the connection is the sender's own, as a health check is.
 * @throws Error where an address is no IP address.
 */
export function encodeProxyV2(endpoints: Endpoints | undefined): Buffer {
  if (!endpoints) return LOCAL;
  const source = ipBytes(plain(endpoints.address));
  const destination = ipBytes(plain(endpoints.localAddress));
  const four = source.length === 4 && destination.length === 4;
  const ips = four ? [source, destination] : [ipv6Bytes(source), ipv6Bytes(destination)];
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(endpoints.port, 0);
  ports.writeUInt16BE(endpoints.localPort, 2);
  const fixed = Buffer.of(0x21, four ? 0x11 : 0x21, 0, four ? 12 : 36);
  return Buffer.concat([PROXY_V2_SIGNATURE, fixed, ...ips, ports]);
}

/**
 * The header that begins the gateway's connection to a backend.
 * @param socket That connection, which has been made.
 * @param client The connection that it serves; undefined: none, it is a health check. Version 2 can
 *   say so; version 1 names the two ends of the connection itself then.
 * @throws Error where an address is no IP address.
 */
export function proxyHeader(
  version: 'v1' | 'v2',
  socket: Socket,
  client: Endpoints | undefined,
): Buffer {
  if (version === 'v2') return encodeProxyV2(client);
  if (client) return encodeProxyV1(client);
  const { address, port, localAddress, localPort } = endpointsOf(socket);
  return encodeProxyV1({
    address: localAddress,
    port: localPort,
    localAddress: address,
    localPort: port,
  });
}

/** An address in its canonical form; an IPv4-mapped one as IPv4. */
function plain(address: string): string {
  return ipText(ipBytes(address));
}

/** Beside an IPv6 address, an IPv4 one is written as IPv4-mapped. */
function mapped(address: string): string {
  return isIPv4(address) ? `::ffff:${address}` : address;
}
