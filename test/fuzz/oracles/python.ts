import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

/** What Python makes of a pickle: what it holds, as `support/pickle-description.ts` has it, or why not. */
export type PythonReading =
  | { readonly value: unknown }
  | { readonly refused: string; readonly why?: string };

const LINE_FEED = 0x0a;

/** A Python that reads one input after the other, as a script beside this file does; it ends when its input does. */
export class Python<T> {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiting: { resolve: (line: string) => void; reject: (error: Error) => void }[] = [];
  #received: Buffer = Buffer.alloc(0);

  constructor(script: 'unpickle.py' | 'parse_cookies.py') {
    const path = new URL(script, import.meta.url).pathname;
    // -B: nothing compiled is left beside the sources.
    this.#child = spawn('/usr/bin/python3', ['-B', '-W', 'ignore', path], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child.stdin.on('error', () => {});
    this.#child.stdout.on('data', (chunk: Buffer) => this.#take(chunk));
    this.#child.on('close', (code, signal) => {
      const error = new Error(`Python ended with ${signal ?? code}`);
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What comes of each of some inputs. */
  async read(...inputs: readonly Uint8Array[]): Promise<T[]> {
    const lines = inputs.map(
      () => new Promise<string>((resolve, reject) => this.#waiting.push({ resolve, reject })),
    );
    const parts = inputs.flatMap((input) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(input.length);
      return [length, input];
    });
    this.#child.stdin.write(Buffer.concat(parts));
    return (await Promise.all(lines)).map((line) => JSON.parse(line) as T);
  }

  async close(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.stdin.end();
    await gone;
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length > 0 ? Buffer.concat([this.#received, chunk]) : chunk;
    for (;;) {
      const end = this.#received.indexOf(LINE_FEED);
      if (end < 0) return;
      this.#waiting.shift()?.resolve(this.#received.toString('utf8', 0, end));
      this.#received = this.#received.subarray(end + 1);
    }
  }
}
