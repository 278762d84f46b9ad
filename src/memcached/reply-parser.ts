/** One reply, or one part of a reply to `get`, as a node sent it. */
export type Reply = ReplyLine | ReplyValue | ReplyMeta;

export interface ReplyLine {
  readonly kind: 'line';
  /** Without its end. */
  readonly line: string;
}

export interface ReplyValue {
  readonly kind: 'value';
  readonly key: string;
  readonly value: Buffer;
  /** The length of a value that is over the limit, and has been skipped: `value` is empty then. */
  readonly skipped?: number;
  readonly flags: number;
  readonly cas?: bigint;
}

/** The answer to a meta command that comes with a value. */
export interface ReplyMeta {
  readonly kind: 'meta';
  /** `VA`, the length and the flags. */
  readonly line: string;
  readonly value: Buffer;
  /** As of {@link ReplyValue}. */
  readonly skipped?: number;
}

/** The bytes are not memcached's protocol. The message quotes none of them: they may be a session. */
export class MalformedReply extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MalformedReply';
  }
}

export interface ReplyParserOptions {
  /** The longest value accepted, in bytes; 1 MiB unless told, which is memcached's own limit. */
  readonly maxValueBytes?: number;
  /** How bytes of lines become characters; UTF-8 unless told. */
  readonly encoding?: 'utf8' | 'latin1';
}

export const DEFAULT_MAX_VALUE_BYTES = 1024 * 1024;
/** memcached's own lines are below 600 bytes: a key of 250 and four numbers. */
const MAX_LINE_BYTES = 2048;
const LINE_FEED = 0x0a;
const END_OF_LINE = '\r\n';
const MAX_FLAGS = 0xffff_ffff;
const MAX_CAS = 0xffff_ffff_ffff_ffffn;
const VALUE_LINE = /^VALUE ([^ ]+) (\d{1,10}) (\d{1,10})(?: (\d{1,20}))?$/;
/** `protocol.txt`, "Meta Get": `VA <size> <flags>*`. */
const META_LINE = /^VA (\d{1,10})(?: |$)/;

interface Block {
  readonly head: Omit<ReplyValue, 'value'> | Omit<ReplyMeta, 'value'>;
  /** The value and the two bytes that end it, filled from the front; those two alone of what is skipped. */
  readonly bytes: Buffer;
  filled: number;
  /** Bytes that are still to be skipped. */
  left: number;
}

/**
 * Cuts the byte stream of a node into replies (memcached's `protocol.txt`, the classic text
 * commands). It gives the same replies however the stream is split, holds at most one line or
 * one value, and copies values, so that they outlive the chunks they came in. A value that is over
 * the limit is skipped, and told of: others may store what is too large for us.
 */
export class ReplyParser {
  readonly #maxValueBytes: number;
  readonly #encoding: 'utf8' | 'latin1';
  #line: Buffer = Buffer.alloc(0);
  #block: Block | undefined;

  constructor(options: ReplyParserOptions = {}) {
    this.#maxValueBytes = options.maxValueBytes ?? DEFAULT_MAX_VALUE_BYTES;
    this.#encoding = options.encoding ?? 'utf8';
  }

  /** The replies that `chunk` completes. Throws {@link MalformedReply}; the stream is then lost. */
  *push(chunk: Buffer): Generator<Reply, void> {
    let at = 0;
    while (at < chunk.length) {
      if (this.#block !== undefined) {
        at += this.#fill(this.#block, chunk, at);
        const value = this.#finishBlock(this.#block);
        if (value !== undefined) yield value;
        continue;
      }
      const feed = chunk.indexOf(LINE_FEED, at);
      const end = feed === -1 ? chunk.length : feed + 1;
      const line = this.#extendLine(chunk.subarray(at, end));
      at = end;
      if (feed === -1) return;
      const reply = this.#finishLine(line);
      if (reply !== undefined) yield reply;
    }
  }

  #extendLine(part: Buffer): Buffer {
    const length = this.#line.length + part.length;
    if (length > MAX_LINE_BYTES) {
      throw new MalformedReply(`sent a line of more than ${MAX_LINE_BYTES} bytes`);
    }
    this.#line = this.#line.length === 0 ? Buffer.from(part) : Buffer.concat([this.#line, part]);
    return this.#line;
  }

  #finishLine(bytes: Buffer): ReplyLine | undefined {
    this.#line = Buffer.alloc(0);
    const text = bytes.toString(this.#encoding);
    if (!text.endsWith(END_OF_LINE)) throw new MalformedReply('sent a line that ends without CR');
    const line = text.slice(0, -END_OF_LINE.length);
    if (line.startsWith('VALUE ')) this.#block = this.#openBlock(line);
    else if (META_LINE.test(line)) this.#block = this.#openMetaBlock(line);
    else return { kind: 'line', line };
    return undefined;
  }

  #openMetaBlock(line: string): Block {
    return this.#blockOf({ kind: 'meta', line }, Number(META_LINE.exec(line)![1]));
  }

  #openBlock(line: string): Block {
    const match = VALUE_LINE.exec(line);
    if (match === null) throw new MalformedReply('sent a VALUE line that is not the protocol');
    const flags = Number(match[2]);
    const length = Number(match[3]);
    const cas = match[4] === undefined ? undefined : BigInt(match[4]);
    if (flags > MAX_FLAGS || (cas !== undefined && cas > MAX_CAS)) {
      throw new MalformedReply('sent a VALUE line with a number out of range');
    }
    const head = { kind: 'value', key: match[1]!, flags } as const;
    return this.#blockOf(cas === undefined ? head : { ...head, cas }, length);
  }

  #blockOf(head: Block['head'], length: number): Block {
    const isOver = length > this.#maxValueBytes;
    return {
      head: isOver ? { ...head, skipped: length } : head,
      bytes: Buffer.allocUnsafe((isOver ? 0 : length) + END_OF_LINE.length),
      filled: 0,
      left: isOver ? length : 0,
    };
  }

  /** Copies what of the chunk belongs to the block; the number of bytes taken. */
  #fill(block: Block, chunk: Buffer, at: number): number {
    const skipped = Math.min(block.left, chunk.length - at);
    block.left -= skipped;
    const taken = chunk.copy(block.bytes, block.filled, at + skipped);
    block.filled += taken;
    return skipped + taken;
  }

  #finishBlock(block: Block): ReplyValue | ReplyMeta | undefined {
    if (block.filled < block.bytes.length) return undefined;
    this.#block = undefined;
    const length = block.bytes.length - END_OF_LINE.length;
    if (block.bytes.toString('latin1', length) !== END_OF_LINE) {
      throw new MalformedReply('sent a value whose length is not the one it announced');
    }
    return { ...block.head, value: block.bytes.subarray(0, length) };
  }
}
