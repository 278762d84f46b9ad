import { CHUNKED, HeadError, type HeadLimits, UNTIL_CLOSE } from './head.ts';
import { HeadScanner } from './head-scanner.ts';
import type { HeaderLines } from './header-lines.ts';
import { OTHER } from './header-names.ts';
import { CR, FIELD_TEXT, LF, SEMICOLON, skip } from './octets.ts';

type Part =
  | 'size'
  | 'extension'
  | 'sizeEnd'
  | 'data'
  | 'dataReturn'
  | 'dataEnd'
  | 'trailers'
  | 'trailerLines'
  | 'bodyEnd';

const TRAILER_LIMITS: HeadLimits = { startLineBytes: 0, headBytes: 8192, headerCount: 32 };
/** Bytes of all chunk extensions of a message together (RFC 9112 §7.1.1 asks for a limit). */
const MAX_EXTENSION_BYTES = 4096;
const MAX_SIZE_DIGITS = 16;
/** Bytes of one chunk: nobody sends more in one, and readers that count in 31 or 32 bits would be led astray. */
const MAX_CHUNK_BYTES = 0x7fffffff;
const NO_DIGIT = 16;
/** Values of hexadecimal digits by octet. */
const HEX = hexDigits();
// RFC 9110 §6.5.1: a recipient that merges trailers into the head would be led astray by these. What
// the gateway itself acts on is refused besides.
const NO_TRAILERS = new Set([
  'authorization',
  'cache-control',
  'content-encoding',
  'content-range',
  'content-type',
  'max-forwards',
  'range',
  'www-authenticate',
]);

/** Follows the framing of a body whose bytes pass through untouched. One per direction, reused. */
export class BodyFraming {
  /** The body has ended. */
  done = true;
  #bodyLength = 0;
  /** Bytes that are still to come of the body, or of the chunk. */
  #remaining = 0;
  #part: Part = 'size';
  #sizeDigits = 0;
  #extensionBytes = 0;
  #trailers: HeadScanner | undefined;

  /** Begins a body of so many bytes, or CHUNKED, or UNTIL_CLOSE. */
  start(bodyLength: number): void {
    this.done = bodyLength === 0;
    this.#bodyLength = bodyLength;
    this.#remaining = Math.max(bodyLength, 0);
    this.#part = 'size';
    this.#sizeDigits = 0;
    this.#extensionBytes = 0;
    this.#trailers?.reset();
  }

  /**
   * The position in the chunk where the body ends, or the chunk's length; all before it, from
   * `offset` on, belongs to the body. Throws HeadError where chunks are not framed as RFC 9112 §7.1
   * has it.
   */
  take(chunk: Buffer, offset = 0): number {
    if (this.done) return offset;
    if (this.#bodyLength === CHUNKED) return this.#takeChunks(chunk, offset);
    if (this.#bodyLength === UNTIL_CLOSE) return chunk.length;
    const taken = Math.min(this.#remaining, chunk.length - offset);
    this.#remaining -= taken;
    this.done = this.#remaining === 0;
    return offset + taken;
  }

  /** The sender has closed: ends a body that lasts until then. True where the body is whole. */
  finish(): boolean {
    if (this.#bodyLength === UNTIL_CLOSE) this.done = true;
    return this.done;
  }

  #takeChunks(chunk: Buffer, offset: number): number {
    let at = offset;
    while (at < chunk.length && !this.done) {
      switch (this.#part) {
        case 'data': {
          const taken = Math.min(this.#remaining, chunk.length - at);
          this.#remaining -= taken;
          at += taken;
          if (this.#remaining === 0) this.#part = 'dataReturn';
          break;
        }
        case 'extension':
          at = this.#takeExtension(chunk, at);
          break;
        case 'trailerLines':
          at = this.#takeTrailers(chunk, at);
          break;
        case 'trailers':
          // Hardly anyone sends trailers, so what reads them is made when the first one comes.
          if (chunk[at] === CR) {
            at += 1;
            this.#part = 'bodyEnd';
          } else {
            this.#part = 'trailerLines';
          }
          break;
        default:
          this.#takeOctet(chunk[at]!);
          at += 1;
      }
    }
    return at;
  }

  #takeOctet(octet: number): void {
    switch (this.#part) {
      case 'size':
        this.#takeSize(octet);
        break;
      case 'sizeEnd':
        expect(octet, LF);
        this.#sizeDigits = 0;
        this.#part = this.#remaining === 0 ? 'trailers' : 'data';
        break;
      case 'dataReturn':
        expect(octet, CR);
        this.#part = 'dataEnd';
        break;
      case 'dataEnd':
        expect(octet, LF);
        this.#part = 'size';
        break;
      case 'bodyEnd':
        expect(octet, LF);
        this.done = true;
        break;
    }
  }

  #takeSize(octet: number): void {
    const digit = HEX[octet]!;
    if (digit !== NO_DIGIT) {
      this.#sizeDigits += 1;
      this.#remaining = this.#remaining * 16 + digit;
      if (this.#sizeDigits > MAX_SIZE_DIGITS || this.#remaining > MAX_CHUNK_BYTES) {
        throw new HeadError(400, 'a chunk is too large');
      }
      return;
    }
    if (this.#sizeDigits === 0 || (octet !== CR && octet !== SEMICOLON)) {
      throw new HeadError(400, 'the size of a chunk is not a plain hexadecimal number');
    }
    this.#part = octet === CR ? 'sizeEnd' : 'extension';
  }

  #takeExtension(chunk: Buffer, start: number): number {
    const end = skip(chunk, start, chunk.length, FIELD_TEXT);
    this.#extensionBytes += end - start;
    if (this.#extensionBytes > MAX_EXTENSION_BYTES) {
      throw new HeadError(400, 'the chunk extensions are too long');
    }
    if (end === chunk.length) return end;
    if (chunk[end] !== CR) throw new HeadError(400, 'a chunk extension has a control character');
    this.#part = 'sizeEnd';
    return end + 1;
  }

  #takeTrailers(chunk: Buffer, start: number): number {
    this.#trailers ??= new HeadScanner(TRAILER_LIMITS, undefined);
    const more = chunk.subarray(start);
    if (!this.#trailers.scan(more)) return chunk.length;
    checkTrailers(this.#trailers.lines);
    this.done = true;
    return chunk.length - this.#trailers.rest.length;
  }
}

function checkTrailers(lines: HeaderLines): void {
  for (let line = 0; line < lines.count; line += 1) {
    if (lines.kind(line) !== OTHER || NO_TRAILERS.has(lines.name(line).toLowerCase())) {
      throw new HeadError(400, 'a trailer has a name that belongs into the head');
    }
  }
}

function expect(octet: number, wanted: number): void {
  if (octet !== wanted) throw new HeadError(400, 'a chunk does not end in CR LF where it should');
}

function hexDigits(): Uint8Array {
  const values = new Uint8Array(256).fill(NO_DIGIT);
  for (let digit = 0; digit < 16; digit += 1) {
    const character = digit.toString(16);
    values[character.charCodeAt(0)] = digit;
    values[character.toUpperCase().charCodeAt(0)] = digit;
  }
  return values;
}
