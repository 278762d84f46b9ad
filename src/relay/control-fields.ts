import { HeadError } from './head.ts';
import type { HeaderLines } from './header-lines.ts';
import { CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING } from './header-names.ts';
import { DIGIT, isBlank, isWord, skipText } from './octets.ts';

const COMMA = 0x2c;
const NONE = -1;
/** Headers that Connection may name; each is looked for in every line. */
const MAX_NAMES = 32;
// These frame or route the message: who names them in Connection cannot make them vanish.
const NEVER_NAMED = new Set(['content-length', 'transfer-encoding', 'host']);

/** What the header lines say of the message itself and of its connection. One per parser. */
export class ControlFields {
  /** -1 where there is none. */
  contentLength = NONE;
  chunked = false;
  /** The line of Host, or -1. */
  host = NONE;
  close = false;
  keepAlive = false;
  /** The client waits for `100 Continue`. */
  expectContinue = false;
  #upgradeNamed = false;

  /** Reads all lines. Throws HeadError where they could be understood in two ways. */
  read(lines: HeaderLines): void {
    this.contentLength = NONE;
    this.chunked = false;
    this.host = NONE;
    this.close = false;
    this.keepAlive = false;
    this.expectContinue = false;
    this.#upgradeNamed = false;
    for (let line = 0; line < lines.count; line += 1) {
      switch (lines.kind(line)) {
        case HOST:
          if (this.host !== NONE) throw new HeadError(400, 'Host is repeated');
          this.host = line;
          break;
        case CONTENT_LENGTH:
          if (this.contentLength !== NONE) throw new HeadError(400, 'Content-Length is repeated');
          this.contentLength = contentLength(lines, line);
          break;
        case TRANSFER_ENCODING:
          this.#readTransferEncoding(lines, line);
          break;
        case CONNECTION:
          this.#readConnection(lines, line);
          break;
        case EXPECT:
          this.expectContinue = isValue(lines, line, '100-continue');
          break;
      }
    }
    // RFC 9112 §6.3: that may be an attempt at smuggling.
    if (this.chunked && this.contentLength !== NONE) {
      throw new HeadError(400, 'the message has both Content-Length and Transfer-Encoding');
    }
  }

  /** The value of Upgrade where Connection names it, else ''. */
  upgradeOf(lines: HeaderLines): string {
    return this.#upgradeNamed ? (lines.value('upgrade') ?? '') : '';
  }

  #readTransferEncoding(lines: HeaderLines, line: number): void {
    if (this.chunked || !isValue(lines, line, 'chunked')) {
      throw new HeadError(400, 'Transfer-Encoding is not exactly "chunked"');
    }
    this.chunked = true;
  }

  #readConnection(lines: HeaderLines, line: number): void {
    const { text } = lines;
    const end = lines.valueEnd(line);
    let at = lines.valueStart(line);
    while (at < end) {
      let comma = at;
      while (comma < end && text.charCodeAt(comma) !== COMMA) comma += 1;
      this.#readOption(lines, at, comma);
      at = comma + 1;
    }
  }

  /** One option of Connection, blanks around it included. */
  #readOption(lines: HeaderLines, from: number, to: number): void {
    const { text } = lines;
    let start = from;
    let end = to;
    while (start < end && isBlank(text.charCodeAt(start))) start += 1;
    while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
    if (start === end) return;
    if (isWord(text, start, end, 'keep-alive')) this.keepAlive = true;
    else if (isWord(text, start, end, 'close')) this.close = true;
    else if (isWord(text, start, end, 'upgrade')) this.#upgradeNamed = true;
    else nameInConnection(lines, text.slice(start, end).toLowerCase());
  }
}

function nameInConnection({ connectionNames }: HeaderLines, name: string): void {
  if (NEVER_NAMED.has(name)) return;
  if (connectionNames.length === MAX_NAMES) {
    throw new HeadError(400, 'Connection names too many headers');
  }
  connectionNames.push(name);
}

function contentLength(lines: HeaderLines, line: number): number {
  const start = lines.valueStart(line);
  const end = lines.valueEnd(line);
  if (start === end || skipText(lines.text, start, end, DIGIT) !== end) {
    throw new HeadError(400, 'Content-Length is not one plain decimal');
  }
  const length = Number(lines.text.slice(start, end));
  if (!Number.isSafeInteger(length)) throw new HeadError(400, 'Content-Length is too large');
  return length;
}

function isValue(lines: HeaderLines, line: number, word: string): boolean {
  return isWord(lines.text, lines.valueStart(line), lines.valueEnd(line), word);
}
