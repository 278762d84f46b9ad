import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { destroySoon } from '../farewell.ts';
import { type Outbox, SMALL_BYTES } from './outbox.ts';

/** With so many bytes in it, it is better to wait for `onDrain`. */
const FULL_BYTES = 65_536;
const EMPTY = Buffer.alloc(0);
const NONE: readonly Piece[] = [];

interface Piece {
  /** Latin1 characters, or bytes. */
  readonly data: string | Buffer;
  /** The outbox's, that the bytes are in. */
  readonly lent: Buffer | undefined;
}

/**
 * All that is sent to one peer, over TCP or TLS, and the end of it: nobody else writes to the socket. It
 * hands what it has to the socket's `_write`, which is Node's interface between a stream and what lies
 * below it, and keeps account of it as the stream would: to have small pieces wait in a stream and leave
 * it again is a twentieth of what a small request costs.
 */
export class SendQueue {
  readonly socket: Socket;
  /** Told when it has been full, and all has been taken. */
  onDrain: () => void = () => {};
  /** Told when nothing can be sent any more, and all that waits is dropped; without it the socket is destroyed. */
  onError: ((error: Error) => void) | undefined;
  readonly #outbox: Outbox;
  /** It is TLS, which has encrypted a copy of what it is given before it returns (TLSWrap::DoWrite). */
  readonly #encrypts: boolean;
  #length = 0;
  #full = false;
  /** The piece that is the next to be sent; mostly there is no other, so that it is kept without a list. */
  #next: string | Buffer | undefined;
  #nextLent: Buffer | undefined;
  /** Those behind it. */
  #rest: Piece[] = [];
  /** How much is under way: the socket has one write at a time, for TLS bears no other. */
  #sending = 0;
  #sendingLent: Buffer | undefined;
  /** Likewise, where several pieces are. */
  #sendingAll: readonly Piece[] = NONE;
  /** It will send at the end of the turn. */
  #gathers = false;
  #ended = false;
  /** What comes when all is sent. */
  #onEnd: (() => void)[] = [];

  constructor(socket: Socket, outbox: Outbox) {
    this.socket = socket;
    this.#outbox = outbox;
    this.#encrypts = (socket as TLSSocket).encrypted === true;
  }

  /** How many bytes wait to be sent, or to be taken by the kernel. */
  get length(): number {
    return this.#length;
  }

  /** Whether it is better to wait for `onDrain` with more. */
  get full(): boolean {
    return this.#full && !this.#ended && !this.socket.destroyed;
  }

  /** Our side has its end; what is still written is dropped. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Sends latin1 characters, and bytes that are the caller's own again afterwards. */
  write(head: string, bytes: Buffer = EMPTY): void {
    const length = head.length + bytes.length;
    // To TLS, writing nothing is more than nothing.
    if (length === 0 || this.#ended) return;
    this.#length += length;
    // As all that comes through a tunnel is: at the end of the turn nothing would have joined it.
    const isAlone = head === '' && this.#next === undefined && this.#sending === 0;
    if (isAlone && this.#encrypts) this.#hand(bytes);
    else this.#put(head, bytes, length);
    if (this.#length >= FULL_BYTES) this.#full = true;
  }

  /** Gathers it with what else comes in this turn; what is large goes at once. */
  #put(head: string, bytes: Buffer, length: number): void {
    if (this.#next === undefined || !this.#extend(head, bytes)) {
      if (bytes.length === 0) this.#append(head, undefined);
      else this.#appendCopy(head, bytes, length);
    }
    if (length > SMALL_BYTES) this.send();
    else if (!this.#gathers) this.#gather();
  }

  /** Does not wait for the end of the turn with what has been gathered. */
  send(): void {
    const data = this.#next;
    if (data === undefined || this.#sending > 0) return;
    const lent = this.#nextLent;
    this.#next = undefined;
    this.#nextLent = undefined;
    if (this.#rest.length > 0) {
      this.#sendAll([{ data, lent }, ...this.#rest.splice(0)]);
      return;
    }
    this.#sendingLent = lent;
    this.#hand(data);
  }

  #hand(data: string | Buffer): void {
    this.#sending = data.length;
    this.socket._write(data, encodingOf(data), this.#onSent);
  }

  #sendAll(pieces: readonly Piece[]): void {
    this.#sending = pieces.reduce((sum, { data }) => sum + data.length, 0);
    this.#sendingAll = pieces;
    const chunks = pieces.map(({ data }) => ({ chunk: data, encoding: encodingOf(data) }));
    this.socket._writev!(chunks, this.#onSent);
  }

  onTurnEnd(): void {
    this.#gathers = false;
    this.send();
  }

  /** Ends our side behind what waits; `then` is called when that has been done. */
  end(then: () => void = () => {}): void {
    this.#afterAll(() => this.socket.end(then));
  }

  /** Ends our side likewise, and the whole of the connection then, or when that takes too long. */
  endSoon(): void {
    if (this.socket.destroyed) return;
    destroySoon(this.socket);
    this.end(() => this.socket.destroy());
  }

  /** Ends the connection behind what waits, or when that takes too long, with nothing that says so. */
  cut(): void {
    if (this.socket.destroyed) return;
    destroySoon(this.socket);
    this.#afterAll(() => this.socket.destroy());
  }

  /** Nothing is written any more; what there is goes first. */
  #afterAll(end: () => void): void {
    this.#ended = true;
    this.send();
    if (this.#length > 0) this.#onEnd.push(end);
    else end();
  }

  /**
   * Puts more into the buffer of the last piece that waits, where there is room; whether there was. Many
   * pieces of a byte or two, which nobody takes, would have a buffer each.
   */
  #extend(head: string, bytes: Buffer): boolean {
    const last = this.#rest.at(-1) ?? { data: this.#next!, lent: this.#nextLent };
    const { data, lent } = last;
    const start = data.length;
    const end = start + head.length + bytes.length;
    if (!lent || end > lent.length) return false;
    fill(lent, start, head, bytes);
    const longer = lent.subarray(0, end);
    if (this.#rest.length > 0) this.#rest[this.#rest.length - 1] = { data: longer, lent };
    else this.#next = longer;
    return true;
  }

  #appendCopy(head: string, bytes: Buffer, length: number): void {
    const lent = this.#outbox.take(length);
    fill(lent, 0, head, bytes);
    this.#append(lent.subarray(0, length), lent);
  }

  #append(data: string | Buffer, lent: Buffer | undefined): void {
    if (this.#next === undefined) {
      this.#next = data;
      this.#nextLent = lent;
    } else {
      this.#rest.push({ data, lent });
    }
  }

  #gather(): void {
    this.#gathers = true;
    this.#outbox.gather(this);
  }

  /** The kernel has what was under way, or there was an error. */
  readonly #onSent = (error?: Error | null): void => {
    this.#length -= this.#sending;
    this.#sending = 0;
    if (this.#sendingLent) this.#outbox.give(this.#sendingLent);
    this.#sendingLent = undefined;
    if (this.#sendingAll.length > 0) {
      this.#give(this.#sendingAll);
      this.#sendingAll = NONE;
    }
    if (error) this.#fail(error);
    if (this.#next !== undefined) this.send();
    else if (this.#ended) this.#endNow();
    else if (this.#full) this.#drained();
  };

  #fail(error: Error): void {
    this.#ended = true;
    if (this.#nextLent) this.#outbox.give(this.#nextLent);
    this.#give(this.#rest.splice(0));
    this.#next = undefined;
    this.#nextLent = undefined;
    this.#length = 0;
    if (this.onError) this.onError(error);
    else this.socket.destroy(error);
  }

  #give(pieces: readonly Piece[]): void {
    for (const { lent } of pieces) if (lent) this.#outbox.give(lent);
  }

  #endNow(): void {
    for (const end of this.#onEnd.splice(0)) end();
  }

  #drained(): void {
    this.#full = false;
    if (!this.socket.destroyed) this.onDrain();
  }
}

function fill(lent: Buffer, start: number, head: string, bytes: Buffer): void {
  if (head !== '') lent.write(head, start, 'latin1');
  lent.set(bytes, start + head.length);
}

function encodingOf(data: string | Buffer): BufferEncoding {
  // What streams tell of bytes; the type knows encodings of strings alone.
  return typeof data === 'string' ? 'latin1' : ('buffer' as BufferEncoding);
}
