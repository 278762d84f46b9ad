import { HeadError, type HeadLimits } from './head.ts';
import { HeaderLines } from './header-lines.ts';
import { kindOfName } from './header-names.ts';
import { COLON, CR, FIELD_TEXT, isBlank, LF, type OctetClass, SP, skip, TOKEN } from './octets.ts';

/** What the first line of a message is; a section of trailers has none. */
export interface StartLine {
  readonly octets: OctetClass;
  /** Empty lines that may come before it. */
  readonly emptyLines: number;
  /** Reads the line, without its end. Throws HeadError. */
  read(data: Uint8Array, start: number, end: number): void;
}

type Phase =
  | 'between'
  | 'emptyLine'
  | 'startLine'
  | 'startLineEnd'
  | 'lineStart'
  | 'name'
  | 'beforeValue'
  | 'value'
  | 'lineEnd'
  | 'headEnd';

const NOTHING = Buffer.alloc(0);
/** A head that comes in parts is gathered in a buffer that starts with this many bytes. */
const FIRST_KEPT_BYTES = 2048;

/**
 * Cuts a message head into its lines, strictly (RFC 9112 §2.2, §5): lines end in CR LF, and nothing
 * else holds a CR or LF. Each byte is looked at once, so that the outcome, errors and their order
 * included, is the same however the bytes are split. A head that comes in one chunk is not copied.
 */
export class HeadScanner {
  readonly lines = new HeaderLines();
  /** What of the last chunk follows the head: a view, no copy. */
  rest: Buffer = NOTHING;
  readonly #limits: HeadLimits;
  readonly #startLine: StartLine | undefined;
  #phase: Phase;
  /** What there is of the head: the chunk that came, or all that came, gathered. */
  #data: Buffer = NOTHING;
  #end = 0;
  #at = 0;
  #emptyLines = 0;
  #lineStart = 0;
  /** The line that the last chunk broke off in. */
  #line = { start: 0, nameEnd: 0, valueStart: 0, valueEnd: 0 };

  constructor(limits: HeadLimits, startLine: StartLine | undefined) {
    this.#limits = limits;
    this.#startLine = startLine;
    this.#phase = startLine ? 'between' : 'lineStart';
  }

  /** Nothing of a head has come but empty lines. */
  get idle(): boolean {
    return this.#phase === 'between' || this.#phase === 'emptyLine';
  }

  /** Forgets what came of a head. */
  reset(): void {
    this.#rewind();
    this.rest = NOTHING;
    this.lines.clear();
  }

  /** Takes more bytes; true where they complete the head. Throws HeadError. */
  scan(chunk: Buffer): boolean {
    if (chunk.length === 0) return false;
    const before = this.#end;
    if (before === 0) this.lines.clear();
    this.#append(chunk);
    const end = Math.min(this.#end, this.#limits.headBytes);
    if (!(this.#scanStartLine(end) && this.#scanLines(end))) {
      if (this.#at === this.#limits.headBytes) throw new HeadError(431, 'the head is too large');
      if (before === 0) this.#keep(chunk);
      return false;
    }
    this.lines.text = this.#data.toString('latin1', 0, this.#at);
    const taken = this.#at - before;
    this.rest = taken === chunk.length ? NOTHING : chunk.subarray(taken);
    this.#rewind();
    return true;
  }

  #rewind(): void {
    this.#phase = this.#startLine ? 'between' : 'lineStart';
    this.#data = NOTHING;
    this.#end = 0;
    this.#at = 0;
    this.#emptyLines = 0;
  }

  /** True where the first line is complete. */
  #scanStartLine(end: number): boolean {
    const data = this.#data;
    const startLine = this.#startLine;
    let at = this.#at;
    while (startLine !== undefined && at < end) {
      if (this.#phase === 'between') {
        this.#lineStart = at;
        if (data[at] === CR && this.#emptyLines < startLine.emptyLines) {
          this.#phase = 'emptyLine';
          at += 1;
        } else {
          this.#phase = 'startLine';
        }
      } else if (this.#phase === 'emptyLine') {
        at = afterLineFeed(data, at);
        this.#emptyLines += 1;
        this.#phase = 'between';
      } else if (this.#phase === 'startLine') {
        at = skip(data, at, end, startLine.octets);
        if (at - this.#lineStart > this.#limits.startLineBytes) {
          throw new HeadError(414, 'the first line is too long');
        }
        if (at === end) break;
        if (data[at] !== CR) throw misplaced(data[at]!, 'the first line');
        at += 1;
        this.#phase = 'startLineEnd';
      } else if (this.#phase === 'startLineEnd') {
        at = afterLineFeed(data, at);
        startLine.read(data, this.#lineStart, at - 2);
        this.#phase = 'lineStart';
      } else {
        break;
      }
    }
    this.#at = at;
    return !(this.idle || this.#phase === 'startLine' || this.#phase === 'startLineEnd');
  }

  /** True where the empty line has come that ends the head. */
  #scanLines(end: number): boolean {
    const data = this.#data;
    let at = this.#at;
    let phase = this.#phase;
    let { start, nameEnd, valueStart, valueEnd } = this.#line;
    // Each step but the last falls through to the next one.
    while (at < end) {
      if (phase === 'lineStart') {
        start = at;
        phase = this.#phaseOfLine(data[at]!);
        if (phase === 'headEnd') {
          at += 1;
          continue;
        }
      }
      if (phase === 'name') {
        at = skip(data, at, end, TOKEN);
        if (at === end) break;
        if (data[at] !== COLON) throw misplaced(data[at]!, 'a header name');
        nameEnd = at;
        at += 1;
        phase = 'beforeValue';
      }
      if (phase === 'beforeValue') {
        while (at < end && isBlank(data[at]!)) at += 1;
        if (at === end) break;
        valueStart = at;
        phase = 'value';
      }
      if (phase === 'value') {
        at = skip(data, at, end, FIELD_TEXT);
        if (at === end) break;
        if (data[at] !== CR) throw misplaced(data[at]!, 'a header value');
        valueEnd = at;
        at += 1;
        phase = 'lineEnd';
        continue;
      }
      at = afterLineFeed(data, at);
      if (phase === 'headEnd') {
        this.#at = at;
        return true;
      }
      while (valueEnd > valueStart && isBlank(data[valueEnd - 1]!)) valueEnd -= 1;
      this.lines.add(kindOfName(data, start, nameEnd), start, nameEnd, valueStart, valueEnd);
      phase = 'lineStart';
    }
    this.#at = at;
    this.#phase = phase;
    this.#line = { start, nameEnd, valueStart, valueEnd };
    return false;
  }

  #phaseOfLine(first: number): Phase {
    if (first === CR) return 'headEnd';
    if (isBlank(first)) {
      throw new HeadError(400, 'a header line begins with a blank');
    }
    if (first === COLON) throw new HeadError(400, 'a header name is empty');
    if (this.lines.count === this.#limits.headerCount) {
      throw new HeadError(431, 'the head has too many lines');
    }
    return 'name';
  }

  /** Makes the chunk what is scanned, behind what was kept of earlier ones. */
  #append(chunk: Buffer): void {
    if (this.#end === 0) {
      this.#data = chunk;
      this.#end = chunk.length;
      return;
    }
    const end = Math.min(this.#end + chunk.length, this.#limits.headBytes);
    if (end > this.#data.length) {
      const larger = Buffer.allocUnsafe(Math.min(2 * end, this.#limits.headBytes));
      this.#data.copy(larger, 0, 0, this.#end);
      this.#data = larger;
    }
    chunk.copy(this.#data, this.#end, 0, end - this.#end);
    this.#end = end;
  }

  /** A first chunk belongs to the caller, so an unfinished head is copied from it. */
  #keep(chunk: Buffer): void {
    const bytes = Math.max(chunk.length, Math.min(FIRST_KEPT_BYTES, this.#limits.headBytes));
    this.#data = Buffer.allocUnsafe(bytes);
    chunk.copy(this.#data);
  }
}

/** The position after the LF that has to follow a CR. */
function afterLineFeed(data: Uint8Array, at: number): number {
  if (data[at] !== LF) throw new HeadError(400, 'a CR has no LF after it');
  return at + 1;
}

function misplaced(octet: number, where: string): HeadError {
  if (octet === LF) return new HeadError(400, `${where} has an LF without a CR`);
  if (octet === CR) return new HeadError(400, `${where} breaks off`);
  if (isBlank(octet)) return new HeadError(400, `${where} has a blank in it`);
  const control = octet < SP || octet === 0x7f;
  return new HeadError(400, `${where} has a ${control ? 'control' : 'forbidden'} character`);
}
