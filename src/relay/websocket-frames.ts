/** Opcode of a close frame (RFC 6455 §5.5.1). */
const CLOSE = 0x8;
const FIN = 0x80;
const MASK = 0x80;
/** Longest payload of a control frame (RFC 6455 §5.5). */
const MAX_CONTROL_BYTES = 125;
const MASKING_KEY_BYTES = 4;

/** Which part of a frame's header comes next. */
const FIRST = 0;
const SECOND = 1;
const LENGTH = 2;

/** Where frames come from: those of a client are masked, those of a server are not (§5.1). */
export type FrameSender = 'client' | 'server';

/**
 * Follows the frames of one direction of a websocket by their headers alone (RFC 6455 §5.2), however
 * the bytes are split: where a frame ends, another one can be put in. A header that nobody may send
 * ends that for good, for then nobody can tell where the frames are.
 */
export class WebsocketFrames {
  readonly #masked: boolean;
  #part = FIRST;
  /** First byte of the header that is coming in. */
  #first = 0;
  /** Bytes of its length that are still to come, and the value of those that came. */
  #lengthBytes = 0;
  #length = 0;
  /** Least length that may be written in that many bytes. */
  #least = 0;
  /** Bytes of the frame after its header that are still to come; Infinity: the frames are lost. */
  #left = 0;
  #closing = false;

  constructor(sender: FrameSender) {
    this.#masked = sender === 'client';
  }

  /** All that came so far were whole frames. */
  get atBoundary(): boolean {
    return this.#left === 0 && this.#part === FIRST;
  }

  /** What came is not websocket, so where frames end is not known any more. */
  get lost(): boolean {
    return this.#left === Number.POSITIVE_INFINITY;
  }

  /** A close frame has come, if only its header: whoever sent it sends nothing else (§5.5.1). */
  get closing(): boolean {
    return this.#closing;
  }

  /** Takes note of bytes that came. */
  take(bytes: Uint8Array): void {
    const end = bytes.length;
    let at = 0;
    while (at < end) {
      const left = this.#left;
      if (left >= end - at) {
        this.#left = left - (end - at);
        return;
      }
      at += left;
      this.#left = 0;
      at = this.#passShort(bytes, at);
      if (at === end) return;
      this.#header(bytes[at]!);
      at += 1;
    }
  }

  /**
   * Passes over short data frames that are there as a whole, as most are, and as those are by which
   * somebody might want to keep this busy: two bytes each.
   */
  #passShort(bytes: Uint8Array, from: number): number {
    if (this.#part !== FIRST) return from;
    const last = bytes.length - 1;
    const mask = this.#masked ? MASK : 0;
    const key = this.#masked ? MASKING_KEY_BYTES : 0;
    let at = from;
    while (at < last && (bytes[at]! & 0xf) <= 0x2) {
      const length = bytes[at + 1]! ^ mask;
      const next = at + 2 + key + length;
      if (length > MAX_CONTROL_BYTES || next > bytes.length) return at;
      at = next;
    }
    return at;
  }

  /** As `take`, up to the end of the frame under way at most; how many bytes that were. */
  takeToBoundary(bytes: Uint8Array): number {
    let at = 0;
    while (at < bytes.length && !this.atBoundary) {
      if (this.#left === 0) {
        this.#header(bytes[at]!);
        at += 1;
        continue;
      }
      const step = Math.min(this.#left, bytes.length - at);
      this.#left -= step;
      at += step;
    }
    return at;
  }

  #header(byte: number): void {
    switch (this.#part) {
      case FIRST:
        this.#first = byte;
        this.#part = SECOND;
        break;
      case SECOND:
        this.#second(byte);
        break;
      default:
        // Over 2^53 it is not exact, but over the limit all the same.
        this.#length = this.#length * 256 + byte;
        this.#lengthBytes -= 1;
        if (this.#lengthBytes === 0) this.#begin(this.#length);
    }
  }

  #second(byte: number): void {
    const short = byte & 0x7f;
    if (((byte & MASK) !== 0) !== this.#masked || !isKnown(this.#first, short)) {
      this.#lose();
    } else if (short <= MAX_CONTROL_BYTES) {
      this.#least = 0;
      this.#begin(short);
    } else {
      this.#part = LENGTH;
      this.#length = 0;
      this.#lengthBytes = short === 126 ? 2 : 8;
      this.#least = short === 126 ? 126 : 65_536;
    }
  }

  /** The header is complete. */
  #begin(length: number): void {
    // §5.2: the length has to be written in as few bytes as will do.
    if (length < this.#least || length > Number.MAX_SAFE_INTEGER - MASKING_KEY_BYTES) {
      this.#lose();
      return;
    }
    this.#part = FIRST;
    this.#left = this.#masked ? length + MASKING_KEY_BYTES : length;
    if ((this.#first & 0xf) === CLOSE) this.#closing = true;
  }

  #lose(): void {
    this.#part = FIRST;
    this.#left = Number.POSITIVE_INFINITY;
  }
}

/** Whether a frame may begin like that; reserved bits belong to extensions, which cross. */
function isKnown(first: number, short: number): boolean {
  const opcode = first & 0xf;
  if (opcode <= 0x2) return true;
  const isControl = opcode >= CLOSE && opcode <= 0xa;
  return isControl && (first & FIN) !== 0 && short <= MAX_CONTROL_BYTES;
}

/**
 * A close frame (§5.5.1).
 * @param reason at most 123 bytes of UTF-8
 * @param maskingKey four bytes that nobody can foresee, of a frame to a server
 */
export function closeFrame(code: number, reason: string, maskingKey?: Uint8Array): Buffer {
  const text = Buffer.from(reason);
  const payload = Buffer.alloc(2 + text.length);
  payload.writeUInt16BE(code);
  text.copy(payload, 2);
  if (!maskingKey) return Buffer.concat([Buffer.of(FIN | CLOSE, payload.length), payload]);
  for (let i = 0; i < payload.length; i += 1) {
    payload[i] = payload[i]! ^ maskingKey[i % MASKING_KEY_BYTES]!;
  }
  return Buffer.concat([Buffer.of(FIN | CLOSE, MASK | payload.length), maskingKey, payload]);
}

/** A ping of a server, without a payload (§5.5.2). */
export function pingFrame(): Buffer {
  return Buffer.of(FIN | 0x9, 0);
}
