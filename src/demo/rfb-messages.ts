import { type Area, PIXEL_FORMAT_BYTES, type PixelFormat, readPixelFormat } from './rfb-pixels.ts';

/** The longest clipboard text that is let pass, in bytes. */
export const MAX_CUT_TEXT_BYTES = 1024 * 1024;
/** The most encodings that one SetEncodings may name. */
export const MAX_ENCODINGS = 1024;

/** What an RFB client says: the three steps of the handshake, then RFC 6143 section 7.5. */
export type ClientMessage =
  | { readonly type: 'version'; readonly version: string }
  | { readonly type: 'security'; readonly choice: number }
  | { readonly type: 'init'; readonly shared: boolean }
  | { readonly type: 'setPixelFormat'; readonly format: PixelFormat }
  | { readonly type: 'setEncodings'; readonly encodings: readonly number[] }
  | { readonly type: 'updateRequest'; readonly incremental: boolean; readonly area: Area }
  | { readonly type: 'key'; readonly down: boolean; readonly keysym: number }
  | {
      readonly type: 'pointer';
      readonly buttons: number;
      readonly x: number;
      readonly y: number;
    }
  | { readonly type: 'cutText'; readonly length: number };

/** The peer sent what is not RFB as this server speaks it. */
export class RfbError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RfbError';
  }
}

const VERSION_BYTES = 12;
const CUT_TEXT_HEAD_BYTES = 8;

/**
 * Reads client messages out of a byte stream, however it is cut: `push` each piece, then take
 * messages with `next` until it gives undefined. It keeps less than one SetEncodings of bytes;
 * clipboard text is counted and dropped, never kept.
 */
export class ClientMessageReader {
  #step: 'version' | 'security' | 'init' | 'normal' = 'version';
  #pending: Buffer = Buffer.alloc(0);
  #toSkip = 0;

  /** Adds what has arrived. Take every message out with `next` before pushing more. */
  push(chunk: Buffer): void {
    const skipped = Math.min(this.#toSkip, chunk.length);
    this.#toSkip -= skipped;
    const rest = skipped === 0 ? chunk : chunk.subarray(skipped);
    this.#pending = this.#pending.length === 0 ? rest : Buffer.concat([this.#pending, rest]);
  }

  /** The next whole message, or undefined until more is pushed. Throws {@link RfbError}. */
  next(): ClientMessage | undefined {
    switch (this.#step) {
      case 'version': {
        const bytes = this.#take(VERSION_BYTES);
        if (bytes === undefined) return undefined;
        this.#step = 'security';
        return { type: 'version', version: bytes.toString('latin1') };
      }
      case 'security': {
        const bytes = this.#take(1);
        if (bytes === undefined) return undefined;
        this.#step = 'init';
        return { type: 'security', choice: bytes.readUInt8(0) };
      }
      case 'init': {
        const bytes = this.#take(1);
        if (bytes === undefined) return undefined;
        this.#step = 'normal';
        return { type: 'init', shared: bytes.readUInt8(0) !== 0 };
      }
      case 'normal':
        return this.#nextNormal();
    }
  }

  #nextNormal(): ClientMessage | undefined {
    if (this.#pending.length === 0) return undefined;
    const type = this.#pending.readUInt8(0);
    switch (type) {
      case 0: {
        const bytes = this.#take(4 + PIXEL_FORMAT_BYTES);
        return bytes && { type: 'setPixelFormat', format: readPixelFormat(bytes, 4) };
      }
      case 2:
        return this.#nextEncodings();
      case 3: {
        const bytes = this.#take(10);
        return (
          bytes && {
            type: 'updateRequest',
            incremental: bytes.readUInt8(1) !== 0,
            area: {
              x: bytes.readUInt16BE(2),
              y: bytes.readUInt16BE(4),
              width: bytes.readUInt16BE(6),
              height: bytes.readUInt16BE(8),
            },
          }
        );
      }
      case 4: {
        const bytes = this.#take(8);
        return (
          bytes && {
            type: 'key',
            down: bytes.readUInt8(1) !== 0,
            keysym: bytes.readUInt32BE(4),
          }
        );
      }
      case 5: {
        const bytes = this.#take(6);
        return (
          bytes && {
            type: 'pointer',
            buttons: bytes.readUInt8(1),
            x: bytes.readUInt16BE(2),
            y: bytes.readUInt16BE(4),
          }
        );
      }
      case 6:
        return this.#nextCutText();
      default:
        throw new RfbError(`client message type ${type} is unknown`);
    }
  }

  #nextEncodings(): ClientMessage | undefined {
    if (this.#pending.length < 4) return undefined;
    const count = this.#pending.readUInt16BE(2);
    if (count > MAX_ENCODINGS) {
      throw new RfbError(`${count} encodings are too many; at most ${MAX_ENCODINGS} are read`);
    }
    const bytes = this.#take(4 + 4 * count);
    if (bytes === undefined) return undefined;
    const encodings = Array.from({ length: count }, (_, i) => bytes.readInt32BE(4 + 4 * i));
    return { type: 'setEncodings', encodings };
  }

  #nextCutText(): ClientMessage | undefined {
    const head = this.#take(CUT_TEXT_HEAD_BYTES);
    if (head === undefined) return undefined;
    const length = head.readUInt32BE(4);
    if (length > MAX_CUT_TEXT_BYTES) {
      throw new RfbError(
        `clipboard text of ${length} bytes is too long; at most ${MAX_CUT_TEXT_BYTES} pass`,
      );
    }
    const here = Math.min(length, this.#pending.length);
    this.#pending = this.#pending.subarray(here);
    this.#toSkip = length - here;
    return { type: 'cutText', length };
  }

  #take(length: number): Buffer | undefined {
    if (this.#pending.length < length) return undefined;
    const bytes = this.#pending.subarray(0, length);
    this.#pending = this.#pending.subarray(length);
    return bytes;
  }
}
