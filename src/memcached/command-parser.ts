import { MAX_KEY_BYTES } from './protocol.ts';

/** What is wrong with a command that can still be answered. */
export type CommandFault = 'bad format' | 'bad data' | 'too large' | 'missing argument';

/** One command as a client sent it. Words are Latin-1, one character a byte: keys are bytes. */
export interface Command {
  readonly words: readonly string[];
  /** The data block, where the command has one; a copy. */
  readonly data?: Buffer;
  readonly fault?: CommandFault;
}

/** The line is too long to be a command; the connection is to be closed, as memcached does. */
export class EndlessCommand extends Error {
  constructor() {
    super(`a command line is longer than ${MAX_LINE_BYTES} bytes`);
    this.name = 'EndlessCommand';
  }
}

export interface CommandParserOptions {
  /** The longest value accepted, in bytes; a longer one is read and dropped. */
  readonly maxValueBytes: number;
}

/** Room for a `get` of 250 of the longest keys. */
const MAX_LINE_BYTES = 64 * 1024;
const LINE_FEED = 0x0a;
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
 * stream is split, and holds at most one line or one value.
 */
export class CommandParser {
  readonly #maxValueBytes: number;
  #line: Buffer = Buffer.alloc(0);
  #block: Block | undefined;

  constructor(options: CommandParserOptions) {
    this.#maxValueBytes = options.maxValueBytes;
  }

  /** The commands that `chunk` completes. Throws {@link EndlessCommand}. */
  *push(chunk: Buffer): Generator<Command, void> {
    let at = 0;
    while (at < chunk.length) {
      if (this.#block !== undefined) {
        at += fill(this.#block, chunk, at);
        if (this.#block.filled < this.#block.length) return;
        yield finish(this.#block);
        this.#block = undefined;
        continue;
      }
      const feed = chunk.indexOf(LINE_FEED, at);
      const end = feed === -1 ? chunk.length : feed + 1;
      if (this.#line.length + end - at > MAX_LINE_BYTES) throw new EndlessCommand();
      this.#line = Buffer.concat([this.#line, chunk.subarray(at, end)]);
      at = end;
      if (feed === -1) return;
      const line = this.#line.toString('latin1').replace(/\r?\n$/, '');
      this.#line = Buffer.alloc(0);
      const command = this.#read(line.split(' ').filter((word) => word !== ''));
      if (command !== undefined) yield command;
    }
  }

  /** The command of a line, unless its data block is still to come. */
  #read(words: readonly string[]): Command | undefined {
    const [verb = '', key = ''] = words;
    const needed = verb === 'ms' ? 3 : STORAGE_WORDS.get(verb);
    if (needed === undefined) return { words };
    if (words.length < needed) {
      return { words, fault: verb === 'ms' ? 'bad format' : 'missing argument' };
    }
    const lengthWord = words[verb === 'ms' ? 2 : 4]!;
    const length = Number(lengthWord);
    const numbers = verb === 'ms' ? [] : [words[2]!, words[3]!.replace(/^-/, '')];
    if (verb === 'cas') numbers.push(words[5]!);
    if (
      key.length > MAX_KEY_BYTES ||
      !/^\d{1,10}$/.test(lengthWord) ||
      length > MAX_LENGTH ||
      !numbers.every((number) => /^\d{1,20}$/.test(number))
    ) {
      return { words, fault: 'bad format' };
    }
    const blockLength = length + 2;
    const bytes = length > this.#maxValueBytes ? undefined : Buffer.allocUnsafe(blockLength);
    this.#block = { words, bytes, length: blockLength, filled: 0 };
    return undefined;
  }
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
  if (bytes.toString('latin1', length - 2) !== '\r\n') return { words, fault: 'bad data' };
  return { words, data: bytes.subarray(0, length - 2) };
}
