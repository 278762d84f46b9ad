import { ControlFields } from './control-fields.ts';
import {
  CHUNKED,
  DEFAULT_HEAD_LIMITS,
  HeadError,
  type HeadLimits,
  type ResponseHead,
  UNTIL_CLOSE,
} from './head.ts';
import { HeadScanner } from './head-scanner.ts';
import { StatusLine } from './status-line.ts';

/**
 * Reads the heads of responses, as strictly as those of requests. One per upstream connection, for
 * all its responses.
 */
export class ResponseParser {
  readonly #line = new StatusLine();
  readonly #fields = new ControlFields();
  readonly #scanner: HeadScanner;

  constructor(limits: HeadLimits = DEFAULT_HEAD_LIMITS) {
    this.#scanner = new HeadScanner(limits, this.#line);
  }

  /** What of the last chunk follows the head: a view, no copy; empty if none. */
  get rest(): Buffer {
    return this.#scanner.rest;
  }

  /** True between messages: nothing of a head has come. */
  get idle(): boolean {
    return this.#scanner.idle;
  }

  /**
   * Takes more bytes. The head where they complete it, else undefined; `requestMethod` is that of
   * the request it answers, for a response to HEAD has no body. Throws HeadError.
   */
  parse(chunk: Buffer, requestMethod: string): ResponseHead | undefined {
    return this.#scanner.scan(chunk) ? this.#head(requestMethod) : undefined;
  }

  #head(requestMethod: string): ResponseHead {
    const { lines } = this.#scanner;
    const { status, reasonStart, reasonEnd, minor } = this.#line;
    const fields = this.#fields;
    fields.read(lines);
    if (minor === 0 && fields.chunked) {
      throw new HeadError(400, 'an HTTP/1.0 response has Transfer-Encoding');
    }
    const bodyLength = this.#bodyLength(requestMethod);
    // A backend that sends a body with 204 all the same would put it in front of the next answer.
    const framed = bodyLength !== UNTIL_CLOSE && !(status === 204 && this.#announcesBody());
    return {
      status,
      reason: lines.text.slice(reasonStart, reasonEnd),
      minor,
      bodyLength,
      keepAlive: framed && !fields.close && (minor === 1 || fields.keepAlive),
      upgrade: minor === 1 ? fields.upgradeOf(lines) : '',
      lines,
    };
  }

  /** RFC 9112 §6.3, whose first rule is that some responses have no body whatever they announce. */
  #bodyLength(requestMethod: string): number {
    const { status } = this.#line;
    if (requestMethod === 'HEAD' || status < 200 || status === 204 || status === 304) return 0;
    if (this.#fields.chunked) return CHUNKED;
    return this.#fields.contentLength < 0 ? UNTIL_CLOSE : this.#fields.contentLength;
  }

  #announcesBody(): boolean {
    return this.#fields.chunked || this.#fields.contentLength > 0;
  }
}
