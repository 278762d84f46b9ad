import { createHash } from 'node:crypto';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** The longest head of an answer that is read, in bytes. */
const MAX_HEAD = 16_384;
const HEAD_END = Buffer.from('\r\n\r\n');

/** The Sec-WebSocket-Accept that answers a Sec-WebSocket-Key (RFC 6455 §4.2.2, 5.4). */
export function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}${GUID}`).digest('base64');
}

export interface HandshakeRequest {
  readonly path: string;
  /** Value of Host. */
  readonly host: string;
  /** Value of Sec-WebSocket-Key: 16 random bytes in base64. */
  readonly key: string;
  /** Further fields; one of these names replaces the handshake's own. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/**
 * The request that opens a websocket (RFC 6455 §4.1). It offers the subprotocol `binary`, without
 * which older noVNC proxies refuse; one that knows none leaves it out of its answer.
 */
export function handshakeRequest({ path, host, key, headers }: HandshakeRequest): string {
  const given = new Set(headers.map(([name]) => name.toLowerCase()));
  const own = [
    ['Host', host],
    ['User-Agent', 'dashgate-health-check'],
    ['Upgrade', 'websocket'],
    ['Connection', 'Upgrade'],
    ['Sec-WebSocket-Key', key],
    ['Sec-WebSocket-Version', '13'],
    ['Sec-WebSocket-Protocol', 'binary'],
  ].filter(([name]) => !given.has(name!.toLowerCase()));
  const lines = [...own, ...headers].map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** The head of an answer to a handshake. */
export interface HandshakeAnswer {
  readonly status: number;
  /** Values by name in lower case; those of one name as one, with commas. */
  readonly fields: ReadonlyMap<string, string>;
  /** What came after the head. */
  readonly rest: Buffer;
}

/** Puts the head of an answer together from what comes of it. */
export class HandshakeReader {
  #bytes = Buffer.alloc(0);

  /** Whether anything has come. */
  get begun(): boolean {
    return this.#bytes.length > 0;
  }

  /**
   * Takes more bytes; the answer as soon as its head is complete.
   * @throws Error, one phrase, where it is no answer.
   */
  take(bytes: Buffer): HandshakeAnswer | undefined {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    const end = this.#bytes.indexOf(HEAD_END);
    if (end > MAX_HEAD || (end < 0 && this.#bytes.length > MAX_HEAD)) {
      throw new Error(`the head of the answer is longer than ${MAX_HEAD} bytes`);
    }
    if (end < 0) return undefined;
    const [first = '', ...lines] = this.#bytes.toString('latin1', 0, end).split('\r\n');
    const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(first)?.[1];
    if (status === undefined) throw new Error('the answer is not HTTP/1.1');
    const rest = this.#bytes.subarray(end + HEAD_END.length);
    return { status: Number(status), fields: fieldsOf(lines), rest };
  }
}

/** What is wrong with a 101 to a handshake (RFC 6455 §4.1), as a phrase; undefined: nothing. */
export function faultOfSwitch({ fields }: HandshakeAnswer, key: string): string | undefined {
  const upgrade = fields.get('upgrade')?.toLowerCase();
  if (upgrade !== 'websocket') return '101 without Upgrade: websocket';
  const connection = fields
    .get('connection')
    ?.toLowerCase()
    .split(/\s*,\s*/);
  if (!connection?.includes('upgrade')) return '101 without Connection: Upgrade';
  if (fields.get('sec-websocket-accept') !== acceptOf(key)) {
    return '101 with a wrong Sec-WebSocket-Accept';
  }
  const extensions = fields.get('sec-websocket-extensions');
  if (extensions) return '101 with an extension that was not offered';
  return undefined;
}

function fieldsOf(lines: readonly string[]): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon <= 0) throw new Error('the answer has a line that is no field');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = fields.get(name);
    fields.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return fields;
}

/** A close frame with code 1000 as a client sends it: masked, which a mask of zeros is too. */
export const CLOSE_FRAME = Buffer.of(0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8);

const CONTINUATION = 0x0;
const TEXT = 0x1;
const BINARY = 0x2;
const CLOSE = 0x8;

/** RFB's ProtocolVersion message (RFC 6143 §7.1.1), the first that a VNC server sends. */
const BANNER = /^RFB \d{3}\.\d{3}\n/;
const BANNER_BYTES = 12;
/** Control frames may come before it; more than this is no VNC server. */
const MAX_BEFORE_BANNER = 4_096;

/** Waits for the RFB banner in the frames that a server sends (RFC 6455 §5.2). */
export class BannerReader {
  #bytes = Buffer.alloc(0);
  #taken = 0;
  #payload = '';

  /**
   * Takes more bytes; the banner without its end of line as soon as it is there.
   * @throws Error, one phrase, where it will not come.
   */
  take(bytes: Buffer): string | undefined {
    this.#taken += bytes.length;
    if (this.#taken > MAX_BEFORE_BANNER) throw new Error('no RFB banner among what it sent');
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    for (let length = this.#frame(); length > 0; length = this.#frame()) {
      this.#bytes = this.#bytes.subarray(length);
    }
    if (this.#payload.length < BANNER_BYTES) return undefined;
    if (!BANNER.test(this.#payload)) throw new Error('what it sent first is no RFB banner');
    return this.#payload.slice(0, BANNER_BYTES - 1);
  }

  /** Reads the first frame, if it is complete; its length, or 0. */
  #frame(): number {
    const bytes = this.#bytes;
    if (bytes.length < 2) return 0;
    if ((bytes[0]! & 0x70) !== 0 || (bytes[1]! & 0x80) !== 0) {
      throw new Error('what it sent is no frame of a server');
    }
    const opcode = bytes[0]! & 0x0f;
    const size = bytes[1]! & 0x7f;
    if (size === 127) throw new Error('what it sent first is no RFB banner');
    const start = size === 126 ? 4 : 2;
    if (bytes.length < start) return 0;
    const end = start + (size === 126 ? bytes.readUInt16BE(2) : size);
    if (bytes.length < end) return 0;
    if (opcode === CLOSE) throw new Error(`it closed the websocket${closeCode(bytes, start, end)}`);
    if (opcode === CONTINUATION || opcode === TEXT || opcode === BINARY) {
      this.#payload += bytes.toString('latin1', start, end);
    }
    return end;
  }
}

function closeCode(bytes: Buffer, start: number, end: number): string {
  return end - start >= 2 ? ` with code ${bytes.readUInt16BE(start)}` : '';
}
