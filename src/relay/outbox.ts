import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { READ_BYTES } from '../intake.ts';

/**
 * What is written to sockets. Small pieces wait for the end of the turn of the event loop, and go out
 * together: whoever gets them is woken once for several of them, and the code of the kernel and ours
 * take turns less often. That is a tenth of what a small request costs; where a turn has one request
 * only, nothing waits. Bytes are copied into buffers that are used again when they have been sent: new
 * ones for each answer would keep the garbage collector busy.
 */
export class Outbox {
  /** For a head and a small body. */
  readonly #small = new FreeList(4_096, 256);
  /** For all that is read at once, and a head before it. */
  readonly #large = new FreeList(READ_BYTES + 8_192, 64);
  /** Corked until the end of the turn. */
  #held: Socket[] = [];
  /** What is given back then. */
  #lent: Lent[] = [];

  /** Writes latin1 characters, and bytes that are the caller's own again afterwards. */
  write(socket: Socket, head: string, bytes: Buffer): void {
    const length = head.length + bytes.length;
    if (length > this.#small.bytes) {
      this.#writeLarge(socket, head, bytes, length);
      return;
    }
    // To TLS, writing nothing is more than nothing.
    if (length === 0) return;
    this.#hold(socket);
    if (bytes.length === 0) {
      socket.write(head, 'latin1');
      return;
    }
    const buffer = this.#small.take();
    const text = filled(buffer, head, bytes).subarray(0, length);
    if ((socket as Partial<TLSSocket>).encrypted) {
      socket.write(text, () => this.#small.give(buffer));
      return;
    }
    socket.write(text);
    // To be called back would cost a tick.
    this.#lent.push({ socket, buffer });
  }

  #writeLarge(socket: Socket, head: string, bytes: Buffer, length: number): void {
    socket.uncork();
    if (length > this.#large.bytes) {
      socket.write(filled(Buffer.allocUnsafe(length), head, bytes));
      return;
    }
    const buffer = this.#large.take();
    const text = filled(buffer, head, bytes).subarray(0, length);
    socket.write(text, () => this.#large.give(buffer));
  }

  #hold(socket: Socket): void {
    if (socket.writableCorked > 0) return;
    socket.cork();
    if (this.#held.push(socket) === 1) setImmediate(this.#send);
  }

  readonly #send = (): void => {
    const held = this.#held;
    const lent = this.#lent;
    this.#held = [];
    this.#lent = [];
    for (const socket of held) socket.uncork();
    // The kernel has mostly taken it by now. What it has not taken is left to the garbage collector.
    for (const { socket, buffer } of lent) {
      if (socket.writableLength === 0) this.#small.give(buffer);
    }
  };
}

interface Lent {
  readonly socket: Socket;
  readonly buffer: Buffer;
}

class FreeList {
  /** Size of each. */
  readonly bytes: number;
  readonly #most: number;
  readonly #free: Buffer[] = [];

  constructor(bytes: number, most: number) {
    this.bytes = bytes;
    this.#most = most;
  }

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.bytes);
  }

  give(buffer: Buffer): void {
    if (this.#free.length < this.#most) this.#free.push(buffer);
    // To V8 it is a small object that can wait until 64 MiB of them make it go through the whole heap.
    else (buffer.buffer as ArrayBuffer).transfer(0);
  }
}

function filled(buffer: Buffer, head: string, bytes: Buffer): Buffer {
  if (head !== '') buffer.write(head, 'latin1');
  buffer.set(bytes, head.length);
  return buffer;
}
