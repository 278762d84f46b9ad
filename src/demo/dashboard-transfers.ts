import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { Request, Response } from 'express';
import { CSRF_FIELD, verifyCsrf } from './dashboard-csrf.ts';
import { multipartBoundary, readMultipart } from './dashboard-multipart.ts';

const MEBIBYTE = 1024 * 1024;
const MAX_DOWNLOAD_MB = 256;
const MAX_SLOW_MS = 30_000;
const MAX_FIELD_BYTES = 4096;

export interface UploadResult {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Waits as many ms as the query's `ms` says (2000, at most 30 000), or until the client is gone. */
export async function waitSlowly(req: Request, res: Response): Promise<number> {
  const ms = wholeNumber(req.query.ms, 2000, MAX_SLOW_MS);
  const gone = new AbortController();
  const abort = () => gone.abort();
  res.once('close', abort);
  await delay(ms, undefined, { signal: gone.signal }).catch(() => undefined);
  res.off('close', abort);
  return ms;
}

/** Endless bytes that are the same on every dashboard: block after block of 1 MiB, numbered. */
export class DownloadContent {
  readonly #block = pseudoRandomBlock();
  readonly #hash = createHash('sha256');
  readonly #digests: string[] = [];

  /**
   * Sends as many MiB as the query's `mb` says (16, at most 256), no faster than the client
   * reads, with Content-Length, and the SHA-256 in hexadecimal in X-Content-SHA256.
   */
  async send(req: Request, res: Response): Promise<void> {
    const mb = Math.max(1, wholeNumber(req.query.mb, 16, MAX_DOWNLOAD_MB));
    res.set({
      'Content-Type': 'application/octet-stream',
      'Content-Length': String(mb * MEBIBYTE),
      'Content-Disposition': `attachment; filename="image-${mb}-mib.raw"`,
      'X-Content-SHA256': await this.#digest(mb),
    });
    if (req.method === 'HEAD') {
      res.end();
      return;
    }
    // A client that leaves in the middle is no failure of the dashboard.
    await pipeline(Readable.from(this.#pieces(mb)), res).catch(() => undefined);
  }

  *#pieces(mb: number): Generator<Buffer> {
    for (let i = 0; i < mb; i++) yield* this.#numbered(i);
  }

  #numbered(index: number): readonly Buffer[] {
    const number = Buffer.alloc(4);
    number.writeUInt32BE(index);
    return [number, this.#block.subarray(4)];
  }

  /** The digest of the first `mb` blocks; each block is hashed once, with pauses for others. */
  async #digest(mb: number): Promise<string> {
    while (this.#digests.length < mb) {
      for (const piece of this.#numbered(this.#digests.length)) this.#hash.update(piece);
      this.#digests.push(this.#hash.copy().digest('hex'));
      await nextTurn();
    }
    return this.#digests[mb - 1]!;
  }
}

/**
 * Reads an upload and keeps nothing of it but its length and SHA-256: a form with a file, or any
 * other body as it is. Throws a CsrfError (of a form at its end, where the token may stand behind
 * the file), or an error with status 400 for a broken form.
 */
export async function receiveUpload(req: Request): Promise<UploadResult> {
  const body = req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  const boundary = multipartBoundary(req.headers['content-type']);
  const file = new Tally();
  if (boundary === undefined) {
    verifyCsrf(req, undefined);
    for await (const chunk of body) file.add(chunk);
    return file.result('body');
  }
  let field: string | undefined;
  let filename = '';
  let token = '';
  for await (const event of readMultipart(body, boundary)) {
    if (event.type === 'part') {
      field = event.name;
      if (field === 'file') filename = event.filename ?? '';
    } else if (field === 'file') {
      file.add(event.chunk);
    } else if (field === CSRF_FIELD && token.length < MAX_FIELD_BYTES) {
      token += event.chunk.toString('latin1');
    }
  }
  verifyCsrf(req, token);
  return file.result(filename);
}

class Tally {
  readonly #hash = createHash('sha256');
  #bytes = 0;

  add(chunk: Buffer): void {
    this.#hash.update(chunk);
    this.#bytes += chunk.length;
  }

  result(name: string): UploadResult {
    return { name, bytes: this.#bytes, sha256: this.#hash.digest('hex') };
  }
}

/** A query parameter as a whole number from 0 to `max`; `otherwise` where it is none. */
function wholeNumber(value: unknown, otherwise: number, max: number): number {
  if (typeof value !== 'string' || !/^\d{1,15}$/.test(value)) return otherwise;
  return Math.min(Number(value), max);
}

/** 1 MiB that does not compress: Marsaglia's xorshift32 from a fixed seed. */
function pseudoRandomBlock(): Buffer {
  const words = new Uint32Array(MEBIBYTE / 4);
  let state = 0x9e3779b9;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return Buffer.from(words.buffer);
}
