import { readInt32, readUint32, readUint64 } from './command-numbers.ts';
import { MAX_KEY_BYTES } from './protocol.ts';

/** What is wrong with a command that can still be answered. */
export type CommandFault =
  | 'bad format'
  | 'bad data'
  | 'too large'
  | 'missing argument'
  | 'extra argument';

/** One command as a client sent it. Words are Latin-1, one character a byte: keys are bytes. */
export interface Command {
  readonly words: readonly string[];
  /** The data block, where the command has one; a copy. */
  readonly data?: Buffer;
  readonly fault?: CommandFault;
}

/** The line is too long to be a command; the connection is to be closed, as memcached does. */
export class EndlessCommand extends Error {
  constructor(maxLineBytes: number) {
    super(`a command line is longer than ${maxLineBytes} bytes`);
    this.name = 'EndlessCommand';
  }
}

export interface CommandParserOptions {
  /** The longest value accepted, in bytes; a longer one is read and dropped. */
  readonly maxValueBytes: number;
  /** The longest command line accepted, in bytes; 64 KiB unless told. */
  readonly maxLineBytes?: number;
}

/** Room for a `get` of 250 of the longest keys. */
const DEFAULT_MAX_LINE_BYTES = 64 * 1024;
/** What is kept at hand for the next line that comes in pieces, in bytes. */
const KEPT_LINE_BYTES = 2048;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const MAX_LENGTH = 0x7fff_ffff - 2;
/** Words from the verb to the data's length, and the last of them, by verb. */
const STORAGE_WORDS = new Map([
  ['set', 5],
  ['add', 5],
  ['replace', 5],
  ['append', 5],
  ['prepend', 5],
  ['cas', 6],
]);
/** Most words of an `ms` whose data block memcached reads (`MFLAG_MAX_OPT_LENGTH`). */
const META_WORDS = 19;
const NOTHING = Buffer.alloc(0);

interface Block {
  readonly words: readonly string[];
  /** The value and its CRLF; undefined while a value that is too large is passed over. */
  readonly bytes: Buffer | undefined;
  readonly length: number;
  filled: number;
}

/**
 * Cuts the byte stream of a memcached client into commands: classic text and meta (`protocol.txt`,
 * and where that is silent the answers of memcached 1.6). It gives the same commands however the
 * stream is split, and holds at most one chunk and one line or one value.
 */
export class CommandParser {
  readonly #maxValueBytes: number;
  readonly #maxLineBytes: number;
  #chunk: Buffer = NOTHING;
  #at = 0;
  /** The beginning of a line whose end is still to come, in a buffer that grows by doubling. */
  #line: Buffer = NOTHING;
  #lineLength = 0;
  #block: Block | undefined;

  constructor(options: CommandParserOptions) {
    this.#maxValueBytes = options.maxValueBytes;
    this.#maxLineBytes = options.maxLineBytes ?? DEFAULT_MAX_LINE_BYTES;
  }

  /** Whether a command has begun whose end is still to be fed. */
  get partial(): boolean {
    return this.#lineLength > 0 || this.#block !== undefined;
  }

  /** The commands that `chunk` completes. Throws {@link EndlessCommand}. */
  *push(chunk: Buffer): Generator<Command, void> {
    this.feed(chunk);
    for (let next = this.next(); next !== undefined; next = this.next()) yield next;
  }

  /** Takes the next bytes of the stream. Only when `next` has nothing more to give. */
  feed(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** The next command of what was fed, if that completes one. Throws {@link EndlessCommand}. */
  next(): Command | undefined {
    while (this.#at < this.#chunk.length) {
      const command = this.#block === undefined ? this.#readLine() : this.#readBlock(this.#block);
      if (command !== undefined) return command;
    }
    this.#chunk = NOTHING;
    return undefined;
  }

  #readBlock(block: Block): Command | undefined {
    this.#at += fill(block, this.#chunk, this.#at);
    if (block.filled < block.length) return undefined;
    this.#block = undefined;
    return finish(block);
  }

  #readLine(): Command | undefined {
    const chunk = this.#chunk;
    const start = this.#at;
    const feed = chunk.indexOf(LINE_FEED, start);
    const end = feed === -1 ? chunk.length : feed;
    if (this.#lineLength + end - start >= this.#maxLineBytes) {
      throw new EndlessCommand(this.#maxLineBytes);
    }
    this.#at = end + 1;
    if (feed !== -1 && this.#lineLength === 0) return this.#read(lineOf(chunk, start, end));
    this.#extendLine(chunk, start, end);
    if (feed === -1) return undefined;
    const line = lineOf(this.#line, 0, this.#lineLength);
    this.#lineLength = 0;
    if (this.#line.length > KEPT_LINE_BYTES) this.#line = NOTHING;
    return this.#read(line);
  }

  #extendLine(chunk: Buffer, start: number, end: number): void {
    const length = this.#lineLength + end - start;
    if (length > this.#line.length) {
      const grown = Buffer.allocUnsafe(Math.max(length, 2 * this.#line.length));
      this.#line.copy(grown, 0, 0, this.#lineLength);
      this.#line = grown;
    }
    chunk.copy(this.#line, this.#lineLength, start, end);
    this.#lineLength = length;
  }

  /** The command of a line, unless its data block is still to come. */
  #read(line: string): Command | undefined {
    const words = wordsOf(line);
    const verb = words[0] ?? '';
    const needed = verb === 'ms' ? 3 : STORAGE_WORDS.get(verb);
    if (needed === undefined) return { words };
    const fault = verb === 'ms' ? metaFault(words) : storageFault(words, needed);
    if (fault !== undefined) return { words, fault };
    const length = Number(words[verb === 'ms' ? 2 : 4]) + 2;
    const tooLarge = length - 2 > this.#maxValueBytes;
    const bytes = tooLarge ? undefined : Buffer.allocUnsafe(length);
    this.#block = { words, bytes, length, filled: 0 };
    return undefined;
  }
}

/** A line without its end. memcached takes a lone LF for an end, too. */
function lineOf(bytes: Buffer, start: number, end: number): string {
  const trimmed = end > start && bytes[end - 1] === CARRIAGE_RETURN ? end - 1 : end;
  return bytes.toString('latin1', start, trimmed);
}

function wordsOf(line: string): readonly string[] {
  const words = line.split(' ');
  return words.includes('') ? words.filter((word) => word !== '') : words;
}

function storageFault(words: readonly string[], needed: number): CommandFault | undefined {
  if (words.length < needed) return 'missing argument';
  if (words.length > needed + 1) return 'extra argument';
  if (words[1]!.length > MAX_KEY_BYTES || !isLength(words[4]!)) return 'bad format';
  const numbers = readUint32(words[2]!) !== undefined && readInt32(words[3]!) !== undefined;
  if (!numbers) return 'bad format';
  return needed === 6 && readUint64(words[5]!) === undefined ? 'bad format' : undefined;
}

function metaFault(words: readonly string[]): CommandFault | undefined {
  if (words.length < 2) return 'missing argument';
  if (words.length < 3 || words[1]!.length > MAX_KEY_BYTES) return 'bad format';
  if (words.length > META_WORDS) return 'extra argument';
  return isLength(words[2]!) ? undefined : 'bad format';
}

function isLength(word: string): boolean {
  return /^\d{1,10}$/.test(word) && Number(word) <= MAX_LENGTH;
}

/** Takes what of the chunk belongs to the block; the number of bytes taken. */
function fill(block: Block, chunk: Buffer, at: number): number {
  const taken = Math.min(block.length - block.filled, chunk.length - at);
  if (block.bytes !== undefined) chunk.copy(block.bytes, block.filled, at, at + taken);
  block.filled += taken;
  return taken;
}

function finish({ words, bytes, length }: Block): Command {
  if (bytes === undefined) return { words, fault: 'too large' };
  const ends = bytes[length - 2] === CARRIAGE_RETURN && bytes[length - 1] === LINE_FEED;
  if (!ends) return { words, fault: 'bad data' };
  return { words, data: bytes.subarray(0, length - 2) };
}
