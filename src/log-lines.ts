/** How many bytes of lines are gathered. */
const BATCH_BYTES = 65_536;
/** How long a line may be held back, in ms. */
const FLUSH_MS = 100;
const LINE_FEED = 0x0a;
/** No character of UTF-16 takes more bytes of UTF-8. */
const MAX_BYTES_PER_CHARACTER = 3;

/**
 * Gathers lines of a log and hands them on together: a write for each, and its way through another
 * thread, would cost as much as the request that it tells of.
 */
export class LogLines {
  readonly #pass: (bytes: Buffer) => boolean;
  readonly #batchBytes: number;
  #batch: Buffer;
  #end = 0;
  #timer: NodeJS.Timeout | undefined;
  #dropped = 0;

  /**
   * @param pass Takes bytes; true: it is done with them, false: they are its own from then on.
   * @param batchBytes Most bytes that are handed on at once, but for a line that is longer.
   */
  constructor(pass: (bytes: Buffer) => boolean, batchBytes = BATCH_BYTES) {
    this.#pass = pass;
    this.#batchBytes = batchBytes;
    this.#batch = Buffer.allocUnsafeSlow(batchBytes);
  }

  /** Lines that were handed on and lost. */
  get dropped(): number {
    return this.#dropped;
  }

  /** What was handed on could not be kept for a reader that is too slow. */
  lost(bytes: Buffer): void {
    for (const byte of bytes) if (byte === LINE_FEED) this.#dropped += 1;
  }

  /** Takes a line, with its line feed. */
  write(line: string): void {
    if (line.length * MAX_BYTES_PER_CHARACTER > this.#batchBytes - this.#end) {
      this.flush();
      if (line.length * MAX_BYTES_PER_CHARACTER > this.#batchBytes) {
        this.#pass(Buffer.from(line));
        return;
      }
    }
    this.#end += this.#batch.write(line, this.#end);
    // Not from the last line on: that would keep a busy log from ever being seen.
    this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS).unref();
  }

  /** Hands on what has been gathered. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#end === 0) return;
    const bytes = this.#batch.subarray(0, this.#end);
    this.#end = 0;
    if (!this.#pass(bytes)) this.#batch = Buffer.allocUnsafeSlow(this.#batchBytes);
  }
}
