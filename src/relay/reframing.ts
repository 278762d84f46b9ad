/** Changes how a body is framed where the two sides of an exchange do not share a way. */
export interface Reframing {
  /** What goes on for these bytes of the body, the last ones if `complete`. */
  take(bytes: Buffer, complete: boolean): Buffer;
}

const LF = 0x0a;
const SEMICOLON = 0x3b;
const CR = 0x0d;
const CRLF = '\r\n';

/**
 * Puts into chunks what a backend ends with its connection (RFC 9112 §7.1): the client can tell a
 * whole answer from one that broke off, and its connection lives on.
 */
export class Chunking implements Reframing {
  take(bytes: Buffer, complete: boolean): Buffer {
    const size = bytes.length === 0 ? '' : `${bytes.length.toString(16)}${CRLF}`;
    const end = `${bytes.length === 0 ? '' : CRLF}${complete ? `0${CRLF}${CRLF}` : ''}`;
    return Buffer.concat([Buffer.from(size), bytes, Buffer.from(end)]);
  }
}

/**
 * Takes the content out of chunks for a client of HTTP/1.0, which knows none (RFC 9112 §7.1). The
 * framing has been checked by then.
 */
export class Dechunking implements Reframing {
  #part: 'size' | 'extension' | 'data' | 'data end' | 'trailers' = 'size';
  /** Of the chunk: its size as far as it is read, then what is left of it. */
  #left = 0;

  take(bytes: Buffer): Buffer {
    const content: Buffer[] = [];
    let at = 0;
    while (at < bytes.length && this.#part !== 'trailers') {
      if (this.#part === 'data') {
        const end = Math.min(bytes.length, at + this.#left);
        content.push(bytes.subarray(at, end));
        this.#left -= end - at;
        at = end;
        if (this.#left === 0) this.#part = 'data end';
      } else {
        this.#readLine(bytes[at]!);
        at += 1;
      }
    }
    return content.length === 1 ? content[0]! : Buffer.concat(content);
  }

  #readLine(octet: number): void {
    if (octet === LF) {
      if (this.#part === 'data end') this.#part = 'size';
      else this.#part = this.#left === 0 ? 'trailers' : 'data';
    } else if (octet === SEMICOLON || octet === 0x20 || octet === 0x09) {
      this.#part = 'extension';
    } else if (this.#part === 'size' && octet !== CR) {
      this.#left = this.#left * 16 + Number.parseInt(String.fromCharCode(octet), 16);
    }
  }
}
