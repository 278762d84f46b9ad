import type { Duplex } from 'node:stream';

/** A request as it is sent. */
export function get(path: string, ...fields: string[]): string {
  return `GET ${path} HTTP/1.1\r\nHost: abuse.example\r\n${fields.map((line) => `${line}\r\n`).join('')}\r\n`;
}

/** Resolves when the connection is closed. */
export function closed(socket: Duplex): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });
}

/** Counts answers that have a Content-Length, and keeps the last. */
export class AnswerReader {
  #rest: Buffer = Buffer.alloc(0);
  /** Of the last answer that was whole. */
  head = '';
  body: Buffer = Buffer.alloc(0);

  /** Takes more bytes; how many answers are whole with them. */
  take(chunk: Buffer): number {
    this.#rest = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    let whole = 0;
    for (;;) {
      const end = this.#rest.indexOf('\r\n\r\n');
      if (end < 0) return whole;
      const head = this.#rest.toString('latin1', 0, end);
      const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
      const after = end + 4 + length;
      if (this.#rest.length < after) return whole;
      this.head = head;
      this.body = this.#rest.subarray(end + 4, after);
      this.#rest = this.#rest.subarray(after);
      whole += 1;
    }
  }
}
