import type { Socket } from 'node:net';
import { isIP } from 'node:net';
import { plainAddress } from '../policy/networks.ts';

/** Both ends of a client's connection, as the listener or a PROXY protocol header tells them. */
export interface Endpoints {
  /** The client's IP address. */
  readonly address: string;
  readonly port: number;
  /** The IP address that the client connected to. */
  readonly localAddress: string;
  readonly localPort: number;
}

/** Both ends of a connection that was accepted; an address is empty where it is closed already. */
export function endpointsOf(socket: Socket): Endpoints {
  return {
    address: plainAddress(socket.remoteAddress),
    port: socket.remotePort ?? 0,
    localAddress: plainAddress(socket.localAddress),
    localPort: socket.localPort ?? 0,
  };
}

const MAPPED = Buffer.from('00000000000000000000ffff', 'hex');

/**
 * The bytes of an IP address in network order: 4, or 16 for IPv6.
 * @throws Error where the text is no address.
 */
export function ipBytes(address: string): Buffer {
  const version = isIP(address);
  if (version === 4) return Buffer.from(address.split('.').map(Number));
  if (version !== 6 || address.includes('%')) throw new Error(`"${address}" is no IP address`);
  // URL.hostname is canonical (WHATWG URL §3.6): hexadecimal groups with at most one "::".
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [left, right = []] = canonical.split('::').map((side) => side.split(':').filter(Boolean));
  const zeros = Array.from({ length: 8 - left!.length - right.length }, () => '0');
  const groups = [...left!, ...zeros, ...right];
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

/** The text of an IP address of 4 or 16 bytes; an IPv4-mapped one becomes that IPv4 address. */
export function ipText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.subarray(0, 12).equals(MAPPED)) return bytes.subarray(12).join('.');
  const groups = bytes.toString('hex').match(/.{4}/g) ?? [];
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

/** The bytes of an address as IPv6's 16; IPv4 becomes IPv4-mapped (RFC 4291 §2.5.5.2). */
export function ipv6Bytes(bytes: Buffer): Buffer {
  return bytes.length === 4 ? Buffer.concat([MAPPED, bytes]) : bytes;
}
