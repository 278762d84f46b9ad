/** What a multipart body holds, in its order. */
export type MultipartEvent =
  | { readonly type: 'part'; readonly name: string; readonly filename: string | undefined }
  | { readonly type: 'data'; readonly chunk: Buffer };

/** A body that is not multipart/form-data as RFC 7578 has it; `status` is 400. */
export class MultipartError extends Error {
  readonly status = 400;

  constructor(message: string) {
    super(message);
    this.name = 'MultipartError';
  }
}

const MAX_PART_HEAD_BYTES = 8 * 1024;
const HEAD_END = Buffer.from('\r\n\r\n');

/** The boundary of a Content-Type header, or undefined where that is not multipart/form-data. */
export function multipartBoundary(contentType: string | undefined): string | undefined {
  const match = /^multipart\/form-data\s*;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))\s*$/i.exec(
    contentType ?? '',
  );
  return match?.[1] ?? match?.[2];
}

/**
 * Reads a multipart/form-data body (RFC 7578, RFC 2046 section 5.1.1) as it arrives: a `part`
 * with its name, then the part's bytes in pieces, and so on. Keeps no more than one piece and the
 * head of one part (8 KiB). Throws a {@link MultipartError}; what follows the last boundary is
 * read and dropped.
 */
export async function* readMultipart(
  body: AsyncIterable<Buffer>,
  boundary: string,
): AsyncGenerator<MultipartEvent> {
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  const input = new BodyInput(body);
  for await (const _preamble of input.upTo(delimiter));
  for (;;) {
    const next = await input.take(2);
    if (next === '--') break;
    if (next !== '\r\n') {
      throw new MultipartError('a boundary of the form body is followed by stray bytes');
    }
    yield await input.partHead();
    for await (const chunk of input.upTo(delimiter)) yield { type: 'data', chunk };
  }
  await input.drain();
}

/** Takes a body apart while it arrives. */
class BodyInput {
  readonly #source: AsyncIterator<Buffer>;
  // The first delimiter may stand at the very start, where no line end comes before it.
  #pending: Buffer = Buffer.from('\r\n');

  constructor(body: AsyncIterable<Buffer>) {
    this.#source = body[Symbol.asyncIterator]();
  }

  /** The bytes up to a delimiter, in pieces; the delimiter itself is dropped. */
  async *upTo(delimiter: Buffer): AsyncGenerator<Buffer> {
    for (;;) {
      const end = this.#pending.indexOf(delimiter);
      // The end of a piece may cut a delimiter in two, so its last bytes are held back.
      const safe = end === -1 ? Math.max(0, this.#pending.length - delimiter.length + 1) : end;
      const piece = this.#pending.subarray(0, safe);
      this.#pending = this.#pending.subarray(end === -1 ? safe : end + delimiter.length);
      if (piece.length > 0) yield piece;
      if (end !== -1) return;
      await this.#more();
    }
  }

  async take(length: number): Promise<string> {
    while (this.#pending.length < length) await this.#more();
    const taken = this.#pending.subarray(0, length);
    this.#pending = this.#pending.subarray(length);
    return taken.toString('latin1');
  }

  async partHead(): Promise<MultipartEvent> {
    let end = this.#pending.indexOf(HEAD_END);
    while (end === -1 && this.#pending.length <= MAX_PART_HEAD_BYTES) {
      await this.#more();
      end = this.#pending.indexOf(HEAD_END);
    }
    if (end === -1 || end > MAX_PART_HEAD_BYTES) {
      throw new MultipartError(`the head of a part is longer than ${MAX_PART_HEAD_BYTES} bytes`);
    }
    return readPartHead(await this.take(end + HEAD_END.length));
  }

  async drain(): Promise<void> {
    while (!(await this.#source.next()).done);
  }

  async #more(): Promise<void> {
    const { done, value } = await this.#source.next();
    if (done) throw new MultipartError('the form body ends before its last boundary');
    this.#pending = Buffer.concat([this.#pending, value]);
  }
}

function readPartHead(head: string): MultipartEvent {
  const text = Buffer.from(head, 'latin1').toString('utf8');
  const disposition = /^content-disposition:\s*form-data\s*(;.*)$/im.exec(text)?.[1] ?? '';
  const name = /;\s*name="([^"]*)"/i.exec(disposition)?.[1];
  if (name === undefined) throw new MultipartError('a part of the form has no name');
  return { type: 'part', name, filename: /;\s*filename="([^"]*)"/i.exec(disposition)?.[1] };
}
