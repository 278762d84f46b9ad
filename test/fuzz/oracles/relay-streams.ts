import { BodyFraming } from '../../../src/relay/body.ts';
import {
  CHUNKED,
  HeadError,
  type RequestHead,
  type ResponseHead,
} from '../../../src/relay/head.ts';
import { Dechunking } from '../../../src/relay/reframing.ts';
import { RequestParser } from '../../../src/relay/request-parser.ts';
import { ResponseParser } from '../../../src/relay/response-parser.ts';

/** A message as the relay reads it. */
export interface ReadMessage {
  readonly startLine: string;
  /** Names and values in turn. */
  readonly fields: readonly string[];
  readonly chunked: boolean;
  readonly keepAlive: boolean;
  /** Chunks put together; latin1. */
  body: string;
  whole: boolean;
  /** Its body was refused. */
  refused: boolean;
  /** Bytes of the stream up to its end. */
  end: number;
}

export interface ReadStream {
  readonly messages: readonly ReadMessage[];
  /** Why nothing more was read. */
  readonly end: string;
}

type Head = RequestHead | ResponseHead;

interface Reader {
  readonly rest: Buffer;
  parse(chunk: Buffer): Head | undefined;
  /** Whether no message of HTTP can follow this one. */
  isLast(head: Head): boolean;
}

/** Requests on one connection, until one of them ends it. */
export function readRequests(chunks: readonly Buffer[]): ReadStream {
  const parser = new RequestParser();
  return new StreamReader({
    get rest() {
      return parser.rest;
    },
    parse: (chunk) => parser.parse(chunk),
    isLast: (head) =>
      !head.keepAlive || head.upgrade !== '' || (head as RequestHead).method === 'CONNECT',
  }).read(chunks, false);
}

/** The answers to one request, the last of which is not an interim one. */
export function readResponses(chunks: readonly Buffer[], method: string): ReadStream {
  const parser = new ResponseParser();
  return new StreamReader({
    get rest() {
      return parser.rest;
    },
    parse: (chunk) => parser.parse(chunk, method),
    isLast: (head) => (head as ResponseHead).status >= 200 || (head as ResponseHead).status === 101,
  }).read(chunks, true);
}

class StreamReader {
  readonly #reader: Reader;
  readonly #framing = new BodyFraming();
  readonly #messages: ReadMessage[] = [];
  #dechunking: Dechunking | undefined;
  #current: ReadMessage | undefined;
  #last = false;
  #offset = 0;

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  /** @param closes the other side has closed after the chunks */
  read(chunks: readonly Buffer[], closes: boolean): ReadStream {
    try {
      for (const chunk of chunks) {
        this.#take(chunk);
        if (this.#last && !this.#current) return { messages: this.#messages, end: 'over' };
      }
    } catch (error) {
      if (!(error instanceof HeadError)) throw error;
      if (this.#current) {
        // How much of it went on before depends on where the chunks end, and concerns nobody.
        this.#current.refused = true;
        this.#current.body = '';
      }
      return { messages: this.#messages, end: error.reason };
    }
    if (this.#current && closes && this.#framing.finish()) this.#finish();
    return { messages: this.#messages, end: this.#current ? 'waits' : 'idle' };
  }

  #take(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0 && !(this.#last && !this.#current)) {
      if (this.#current) {
        rest = this.#takeBody(this.#current, rest);
        continue;
      }
      const head = this.#reader.parse(rest);
      this.#offset += rest.length - (head ? this.#reader.rest.length : 0);
      if (!head) return;
      rest = this.#reader.rest;
      this.#begin(head);
    }
  }

  #begin(head: Head): void {
    const { lines } = head;
    const startLine = lines.text.slice(0, lines.first - 2).replace(/^[\r\n]+/, '');
    const fields = Array.from({ length: lines.count }, (_, line) => [
      lines.name(line),
      lines.valueAt(line),
    ]);
    this.#last = this.#reader.isLast(head);
    const chunked = head.bodyLength === CHUNKED;
    this.#dechunking = chunked ? new Dechunking() : undefined;
    this.#current = {
      startLine,
      fields: fields.flat(),
      chunked,
      keepAlive: head.keepAlive,
      body: '',
      whole: false,
      refused: false,
      end: 0,
    };
    this.#messages.push(this.#current);
    this.#framing.start(head.bodyLength);
    if (this.#framing.done) this.#finish();
  }

  #takeBody(message: ReadMessage, bytes: Buffer): Buffer {
    const end = this.#framing.take(bytes);
    const part = bytes.subarray(0, end);
    message.body += (this.#dechunking?.take(part) ?? part).toString('latin1');
    this.#offset += end;
    if (this.#framing.done) this.#finish();
    return bytes.subarray(end);
  }

  #finish(): void {
    if (!this.#current) return;
    this.#current.whole = true;
    this.#current.end = this.#offset;
    this.#current = undefined;
  }
}
