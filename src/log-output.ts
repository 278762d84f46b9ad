import { write, writeSync } from 'node:fs';

/** Most bytes that wait for a slow reader, or for room on a disk; what comes then is dropped. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
/** After how long what could not be written is tried again, in ms. */
const RETRY_MS = 100;
/** How long a reader that is slow is waited for when the process ends, in ms. */
const FAREWELL_MS = 1_000;

/**
 * Where bytes of a log go: a file descriptor that is written to by another thread. What it does not take,
 * as the disk is full or its reader stands still, waits and is tried again: a log holds up nobody, and
 * fails nobody. (pino's own destination ends the process then, and on a full disk tries for ever to write
 * the rest.)
 */
export class LogOutput {
  readonly #descriptor: number;
  readonly #onLost: (bytes: Buffer) => void;
  readonly #waiting: Buffer[] = [];
  #bytes = 0;
  #writing = false;
  #retry: NodeJS.Timeout | undefined;

  /** @param onLost told of bytes that there was no room for */
  constructor(descriptor: number, onLost: (bytes: Buffer) => void) {
    this.#descriptor = descriptor;
    this.#onLost = onLost;
  }

  /** Takes bytes, which are its own from then on. */
  write(bytes: Buffer): void {
    if (this.#bytes + bytes.length > MAX_WAITING_BYTES) {
      this.#onLost(bytes);
      return;
    }
    this.#waiting.push(bytes);
    this.#bytes += bytes.length;
    if (!this.#writing && !this.#retry) this.#next();
  }

  /** The process ends: writes what waits, as far as it is taken, and nothing after that. */
  finish(): void {
    clearTimeout(this.#retry);
    const until = performance.now() + FAREWELL_MS;
    // The other thread is at the first.
    if (this.#writing) this.#waiting.shift();
    while (this.#waiting.length > 0) {
      try {
        this.#wrote(writeSync(this.#descriptor, this.#waiting[0]!));
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code !== 'EAGAIN' || performance.now() > until) this.#waiting.length = 0;
        else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
      }
    }
  }

  #next(): void {
    const [bytes] = this.#waiting;
    if (!bytes) return;
    this.#writing = true;
    write(this.#descriptor, bytes, (error, count) => {
      this.#writing = false;
      if (!error) {
        this.#wrote(count);
        this.#next();
        return;
      }
      this.#retry = setTimeout(() => {
        this.#retry = undefined;
        this.#next();
      }, RETRY_MS).unref();
    });
  }

  #wrote(count: number): void {
    this.#bytes -= count;
    const [bytes] = this.#waiting;
    if (!bytes || count >= bytes.length) this.#waiting.shift();
    else this.#waiting[0] = bytes.subarray(count);
  }
}
