/** What the first message of a TLS handshake tells before the handshake begins. */
export interface ClientHello {
  /** The host that the client asks for; undefined where it names none, or where it is no TLS. */
  readonly serverName: string | undefined;
}

/** More than this, in bytes, is not looked at; browsers send about 2,000. */
const MAX_BYTES = 16_384;
const RECORD_HEADER_BYTES = 5;
const MESSAGE_HEADER_BYTES = 4;
const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const HOST_NAME = 0;

const UNTOLD: ClientHello = { serverName: undefined };

/**
 * Reads the server name (RFC 6066 §3) out of a ClientHello (RFC 8446 §4.1.2) from all that has come
 * of a connection. Undefined: more has to come, at most 16,384 bytes in all. It judges nothing:
 * what is malformed names no server, and the handshake will refuse it.
 */
export function readClientHello(bytes: Buffer): ClientHello | undefined {
  try {
    const message = clientHelloMessage(bytes);
    if (message) return { serverName: serverNameOf(message) };
    return bytes.length < MAX_BYTES ? undefined : UNTOLD;
  } catch (error) {
    if (error instanceof RangeError) return UNTOLD;
    throw error;
  }
}

/**
 * Puts the message together from the records it came in (RFC 8446 §5.1); undefined: incomplete.
 * @throws RangeError where it is no ClientHello.
 */
function clientHelloMessage(bytes: Buffer): Buffer | undefined {
  const fragments: Buffer[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (bytes[at] !== HANDSHAKE_RECORD) throw new RangeError('no handshake');
    if (at + RECORD_HEADER_BYTES > bytes.length) break;
    const start = at + RECORD_HEADER_BYTES;
    at = start + bytes.readUInt16BE(at + 3);
    fragments.push(bytes.subarray(start, at));
  }
  // All of it is one, but for what a peer has split up.
  const message = fragments.length === 1 ? fragments[0]! : Buffer.concat(fragments);
  if (message.length > 0 && message[0] !== CLIENT_HELLO) throw new RangeError('no ClientHello');
  if (message.length < MESSAGE_HEADER_BYTES) return undefined;
  const end = MESSAGE_HEADER_BYTES + message.readUIntBE(1, 3);
  if (end > MAX_BYTES) throw new RangeError('too long');
  return message.length < end ? undefined : message.subarray(MESSAGE_HEADER_BYTES, end);
}

/** @throws RangeError where a length is wrong, or there are no extensions. */
function serverNameOf(message: Buffer): string | undefined {
  const hello = new Cursor(message, 0, message.length);
  // legacy_version and random; legacy_session_id; cipher_suites; legacy_compression_methods.
  hello.skip(34);
  hello.skip(hello.number(1));
  hello.skip(hello.number(2));
  hello.skip(hello.number(1));
  const extensions = hello.vector();
  while (!extensions.atEnd) {
    if (extensions.number(2) === SERVER_NAME) return hostNameOf(extensions.vector());
    extensions.skip(extensions.number(2));
  }
  return undefined;
}

function hostNameOf(extension: Cursor): string | undefined {
  const names = extension.vector();
  while (!names.atEnd) {
    if (names.number(1) === HOST_NAME) return names.vector().toString();
    names.skip(names.number(2));
  }
  return undefined;
}

/**
 * Reads what TLS's presentation language describes (RFC 8446 §3); a RangeError past the end. It makes no
 * Buffer of each part: a message has some forty, and they were a fifth of what a handshake left to the
 * garbage collector.
 */
class Cursor {
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get atEnd(): boolean {
    return this.#at === this.#end;
  }

  skip(length: number): void {
    this.#at += length;
    if (this.#at > this.#end) throw new RangeError('cut off');
  }

  number(size: 1 | 2): number {
    const at = this.#at;
    this.skip(size);
    return size === 1 ? this.#bytes.readUInt8(at) : this.#bytes.readUInt16BE(at);
  }

  /** What is in a vector whose length in bytes comes first, as a number of two bytes. */
  vector(): Cursor {
    const length = this.number(2);
    const start = this.#at;
    this.skip(length);
    return new Cursor(this.#bytes, start, this.#at);
  }

  toString(): string {
    return this.#bytes.toString('latin1', this.#at, this.#end);
  }
}
