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
    // To TLS, writing nothing is more than nothing.
    if (length === 0) return;
    const list = length <= this.#small.bytes ? this.#small : this.#large;
    if (length > list.bytes) {
      socket.write(filled(Buffer.allocUnsafe(length), head, bytes));
      return;
    }
    const buffer = list.take();
    const text = filled(buffer, head, bytes).subarray(0, length);
    if (list === this.#large || (socket as Partial<TLSSocket>).encrypted) {
      socket.write(text, () => list.give(buffer));
      return;
    }
    socket.write(text);
    // Without TLS the kernel has mostly taken it by now, and to be called back would cost a tick. What
    // it has not taken is left to the garbage collector.
    if (socket.writableLength === 0) list.give(buffer);
  }
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
