import { closeSync, constants, fstatSync, openSync, write, writeSync } from 'node:fs';

/** Most bytes that wait for a slow reader, or for room on a disk; what comes then is dropped. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
/** After how long what could not be written is tried again, in ms. */
const RETRY_MS = 100;
/** How long a reader that is slow is waited for when the process ends, in ms. */
const FAREWELL_MS = 1_000;

/**
 * Where bytes of a log go: a file descriptor. A pipe or a device gets them at once, as far as it takes them
 * at once; the rest, and what goes to a file or a socket, is written by another thread. What is not taken
 * there, as the disk is full or a reader stands still, waits and is tried again: a log holds up nobody,
 * and fails nobody. (pino's own destination ends the process then, and on a full disk tries for ever to write
 * the rest.)
 */
export class LogOutput {
  readonly #descriptor: number;
  /** The same, for writes that do not wait; undefined: there is none. */
  readonly #prompt: number | undefined;
  readonly #onLost: (bytes: Buffer) => void;
  readonly #waiting: Buffer[] = [];
  #bytes = 0;
  #writing = false;
  #retry: NodeJS.Timeout | undefined;

  /** @param onLost told of bytes that there was no room for */
  constructor(descriptor: number, onLost: (bytes: Buffer) => void) {
    this.#descriptor = descriptor;
    this.#prompt = openPrompt(descriptor);
    this.#onLost = onLost;
  }

  /** Takes bytes; true: they are written, false: they are its own from then on. */
  write(bytes: Buffer): boolean {
    const written = this.#waiting.length === 0 ? this.#writePromptly(bytes) : 0;
    if (written === bytes.length) return true;
    const rest = bytes.subarray(written);
    if (this.#bytes + rest.length > MAX_WAITING_BYTES) {
      this.#onLost(rest);
      return false;
    }
    this.#waiting.push(rest);
    this.#bytes += rest.length;
    if (!this.#writing && !this.#retry) this.#next();
    return false;
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
    if (this.#prompt !== undefined) closeSync(this.#prompt);
  }

  /** Writes what is taken at once; how many bytes that was. */
  #writePromptly(bytes: Buffer): number {
    if (this.#prompt === undefined) return 0;
    try {
      return writeSync(this.#prompt, bytes);
    } catch {
      // There is no room, or something is wrong, which the other thread will learn as well.
      return 0;
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

/**
 * Opens a pipe or a device again, so that writes to it do not wait: the mode belongs to what was opened,
 * which other processes have as well. Undefined for what cannot be opened (a socket, or a pipe of another
 * user), and for files, on which a write may wait for the disk in any mode.
 */
function openPrompt(descriptor: number): number | undefined {
  const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFIFO() && !stats.isCharacterDevice()) return undefined;
    return openSync(`/proc/self/fd/${descriptor}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
  } catch {
    return undefined;
  }
}
