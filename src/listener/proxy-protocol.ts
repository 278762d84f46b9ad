import { isIP } from 'node:net';
import { type Endpoints, ipBytes, ipText } from '../upstream/endpoints.ts';
import { PROXY_V2_SIGNATURE } from '../upstream/proxy-header.ts';
import { crc32c } from './crc32c.ts';

/** What came first on a connection is no PROXY protocol header that could be believed. */
export class ProxyHeaderError extends Error {
  override readonly name = 'ProxyHeaderError';
}

export interface ProxyHeader {
  /** Undefined where the header does not tell: the real endpoints of the connection hold. */
  readonly endpoints: Endpoints | undefined;
  /** Bytes of the header; what follows is the connection's own. */
  readonly length: number;
}

/** Longest line of version 1, in bytes with its CRLF (§2.1). */
const V1_MAX_BYTES = 107;
const V1_START = Buffer.from('PROXY ');
const V1_LINE = /^PROXY (TCP4|TCP6) ([\da-fA-F.:]+) ([\da-fA-F.:]+) (\d+) (\d+)$/;
const V1_UNKNOWN = /^PROXY UNKNOWN(?: [^\r]*)?$/;
const PORT = /^(?:0|[1-9]\d{0,4})$/;

const V2_FIXED_BYTES = 16;
/**
 * Longest that may follow the fixed part of version 2, in bytes. Addresses are at most 216; a
 * sender keeps its extras within one TCP segment unless told otherwise, so this is generous.
 */
const V2_MAX_BYTES = 4_096;
/** Bytes of both addresses with their ports, by family: IPv4, IPv6, Unix. */
const V2_ADDRESS_BYTES = [0, 12, 36, 216];
const TLV_CRC32C = 0x03;

/**
 * Reads a PROXY protocol header, version 1 or 2, from all that has come of a connection
 * (haproxy.org, proxy-protocol.txt). Undefined: more has to come, at most 4,112 bytes in all.
 * However the bytes were split, the outcome is the same.
 * @throws ProxyHeaderError
 */
export function parseProxyHeader(bytes: Buffer): ProxyHeader | undefined {
  if (startsAs(bytes, V1_START)) return parseV1(bytes);
  if (startsAs(bytes, PROXY_V2_SIGNATURE)) return parseV2(bytes);
  throw new ProxyHeaderError('does not begin with a PROXY protocol header');
}

/** Whether the bytes are the beginning of `start`, or begin with it. */
function startsAs(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length);
  return bytes.compare(start, 0, length, 0, length) === 0;
}

function parseV1(bytes: Buffer): ProxyHeader | undefined {
  const end = bytes.subarray(0, V1_MAX_BYTES).indexOf('\n');
  if (end < 0) {
    if (bytes.length < V1_MAX_BYTES) return undefined;
    throw new ProxyHeaderError(`has a PROXY line of more than ${V1_MAX_BYTES} bytes`);
  }
  if (bytes[end - 1] !== 0x0d)
    throw new ProxyHeaderError('has a PROXY line that ends in a bare LF');
  const line = bytes.toString('latin1', 0, end - 1);
  const length = end + 1;
  if (V1_UNKNOWN.test(line)) return { endpoints: undefined, length };
  const match = V1_LINE.exec(line);
  if (!match) throw new ProxyHeaderError('has a malformed PROXY line');
  const [, family, address, localAddress, port, localPort] = match;
  const version = family === 'TCP4' ? 4 : 6;
  const endpoints: Endpoints = {
    address: v1Address(address!, version),
    port: v1Port(port!),
    localAddress: v1Address(localAddress!, version),
    localPort: v1Port(localPort!),
  };
  return { endpoints, length };
}

function v1Address(text: string, version: number): string {
  if (isIP(text) === version) return ipText(ipBytes(text));
  throw new ProxyHeaderError('has a PROXY line with a bad address');
}

function v1Port(text: string): number {
  if (PORT.test(text) && Number(text) <= 65_535) return Number(text);
  throw new ProxyHeaderError('has a PROXY line with a bad port');
}

function parseV2(bytes: Buffer): ProxyHeader | undefined {
  if (bytes.length < V2_FIXED_BYTES) return undefined;
  const command = bytes[12]!;
  const family = bytes[13]! >> 4;
  const transport = bytes[13]! & 0x0f;
  const length = V2_FIXED_BYTES + bytes.readUInt16BE(14);
  if (command !== 0x20 && command !== 0x21) {
    throw new ProxyHeaderError('has a PROXY header of unknown version or command');
  }
  if (length > V2_FIXED_BYTES + V2_MAX_BYTES) {
    throw new ProxyHeaderError(`has a PROXY header of more than ${V2_MAX_BYTES} bytes`);
  }
  const local = command === 0x20;
  const addressBytes = V2_ADDRESS_BYTES[family];
  if (!local) {
    if (addressBytes === undefined || transport > 2) {
      throw new ProxyHeaderError('has a PROXY header of unknown family or transport');
    }
    if (length < V2_FIXED_BYTES + addressBytes) {
      throw new ProxyHeaderError('has a PROXY header too short for its addresses');
    }
  }
  if (bytes.length < length) return undefined;
  // LOCAL and unspecified: all that follows is to be skipped, whatever it is (§2.2).
  if (local || !addressBytes || transport === 0) return { endpoints: undefined, length };
  const header = bytes.subarray(0, length);
  checkTlvs(header, V2_FIXED_BYTES + addressBytes);
  // A Unix address says nothing here, and a datagram was none of this connection.
  if (family === 3 || transport !== 1) return { endpoints: undefined, length };
  return { endpoints: v2Endpoints(header, family === 1 ? 4 : 16), length };
}

function v2Endpoints(header: Buffer, size: number): Endpoints {
  const source = V2_FIXED_BYTES;
  const destination = source + size;
  const ports = destination + size;
  return {
    address: ipText(header.subarray(source, destination)),
    port: header.readUInt16BE(ports),
    localAddress: ipText(header.subarray(destination, ports)),
    localPort: header.readUInt16BE(ports + 2),
  };
}

/** Type-length-value entries have to fill the header exactly, and a checksum has to hold. */
function checkTlvs(header: Buffer, start: number): void {
  let at = start;
  while (at < header.length) {
    if (at + 3 > header.length) throw new ProxyHeaderError('has a PROXY header with a cut-off TLV');
    const type = header[at]!;
    const value = at + 3;
    at = value + header.readUInt16BE(at + 1);
    if (at > header.length) throw new ProxyHeaderError('has a PROXY header with a cut-off TLV');
    if (type === TLV_CRC32C) checkCrc(header, value, at);
  }
}

/** §2.2.3: of the whole header, with the checksum itself as zeros. */
function checkCrc(header: Buffer, from: number, to: number): void {
  const zeroed = Buffer.from(header).fill(0, from, to);
  if (to - from !== 4 || crc32c(zeroed) !== header.readUInt32BE(from)) {
    throw new ProxyHeaderError('has a PROXY header whose checksum is wrong');
  }
}
