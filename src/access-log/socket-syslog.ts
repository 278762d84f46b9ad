import { type ChildProcess, spawn } from 'node:child_process';
import type { LineOutput } from '../log.ts';
import { LogLines } from '../log-lines.ts';

/** Most bytes that wait for the daemon to take them. */
const MAX_WAITING_BYTES = 1_048_576;
/** How soon logger is started anew after it ended, in ms. */
const RETRY_MS = 1_000;
/** Longer lines are cut; httplog has them shorter. */
const MAX_LINE_BYTES = '8192';

export interface SocketSyslogOptions {
  /** A datagram socket, such as /dev/log. */
  readonly path: string;
  readonly facility: string;
  readonly retryMs?: number;
  /** Told, with the cause, when lines cannot be delivered. */
  readonly onFailed: (detail: string) => void;
}

/**
 * Hands lines to the syslog daemon of this host, on a datagram socket. Node has no such sockets, and an
 * addon that has them would have to be compiled on every gateway; logger (util-linux), which every
 * distribution installs, has them, and does nothing but that. Nothing waits for it: what it does not
 * take is dropped and counted.
 */
export class SocketSyslog implements LineOutput {
  readonly #options: SocketSyslogOptions;
  /** Gathered, so that logger is woken once for many. */
  readonly #lines = new LogLines((bytes) => this.#pass(bytes));
  #logger: ChildProcess | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: SocketSyslogOptions) {
    this.#options = options;
    this.#start();
  }

  get dropped(): number {
    return this.#lines.dropped;
  }

  write(line: string): void {
    this.#lines.write(line);
  }

  /** Hands on what has been gathered, and nothing more. */
  close(): void {
    this.#lines.flush();
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#logger?.stdin?.end();
  }

  #pass(bytes: Buffer): boolean {
    const input = this.#logger?.stdin;
    if (this.#closed || !input?.writable || input.writableLength > MAX_WAITING_BYTES) {
      this.#lines.lost(bytes);
      return true;
    }
    input.write(bytes);
    return false;
  }

  #start(): void {
    const { path, facility, onFailed } = this.#options;
    const tag = ['--tag', 'dashgate', `--id=${process.pid}`, '--priority', `${facility}.info`];
    const where = ['--socket', path, '--socket-errors=on', '--size', MAX_LINE_BYTES];
    const logger = spawn('logger', [...tag, ...where], { stdio: ['pipe', 'ignore', 'pipe'] });
    this.#logger = logger;
    let complaint = '';
    logger.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint = text.slice(0, 200).trim();
      onFailed(complaint);
    });
    logger.stdin?.on('error', () => {});
    logger.once('error', (error) => {
      complaint = error.message;
      this.#ended(logger, complaint);
    });
    logger.once('exit', (code) => this.#ended(logger, complaint || `logger ended with ${code}`));
    // It ends when its input does; nothing has to wait for it.
    logger.unref();
    for (const stream of [logger.stdin, logger.stderr]) {
      (stream as unknown as { unref?(): void } | null)?.unref?.();
    }
  }

  #ended(logger: ChildProcess, detail: string): void {
    if (this.#logger !== logger) return;
    this.#logger = undefined;
    if (this.#closed) return;
    this.#options.onFailed(detail);
    this.#retry = setTimeout(() => this.#start(), this.#options.retryMs ?? RETRY_MS).unref();
  }
}
