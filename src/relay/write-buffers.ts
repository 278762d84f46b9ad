import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/**
 * Buffers for what is written, used again when it has been sent: new ones for each answer would keep
 * the garbage collector busy.
 */
export class WriteBuffers {
  /** For a head and a small body. */
  readonly #small = new FreeList(4_096, 256);
  /** For all that is read at once, and a head before it. */
  readonly #large = new FreeList(65_536 + 8_192, 64);

  /** Writes a head, of latin1 characters, and bytes that are the caller's own again afterwards. */
  write(socket: Socket, head: string, bytes: Buffer): void {
    const length = head.length + bytes.length;
    const list = length <= this.#small.bytes ? this.#small : this.#large;
    if (length > list.bytes) {
      socket.write(filled(Buffer.allocUnsafe(length), head, bytes));
      return;
    }
    const buffer = list.take();
    const text = filled(buffer, head, bytes).subarray(0, length);
    if ((socket as Partial<TLSSocket>).encrypted) {
      socket.write(text, () => list.give(buffer));
      return;
    }
    socket.write(text);
    // Without TLS the kernel has mostly taken it by now, and to be called back would cost a tick. What
    // it has not taken is left to the garbage collector.
    if (socket.writableLength === 0) list.give(buffer);
  }
}

/** Buffers of TLS from this size on are given back by hand, in bytes. */
const LARGE = 4_096;

/**
 * Writes bytes that came through TLS and that nobody reads again; false where it is better to wait
 * for 'drain'. Their memory is given back as soon as they are sent: to V8 such a buffer is a small
 * object that can wait, until 64 MiB of them make it go through the whole heap, which took a quarter
 * of the time of an upload.
 */
export function writeAndFree(socket: Socket, bytes: Buffer): boolean {
  const memory = bytes.buffer as ArrayBuffer;
  // What is a part of it may have neighbours.
  if (bytes.length < LARGE || bytes.length !== memory.byteLength) return socket.write(bytes);
  return socket.write(bytes, () => {
    memory.transfer(0);
  });
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
  }
}

function filled(buffer: Buffer, head: string, bytes: Buffer): Buffer {
  if (head !== '') buffer.write(head, 'latin1');
  buffer.set(bytes, head.length);
  return buffer;
}
