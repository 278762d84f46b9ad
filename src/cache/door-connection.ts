import type { Socket } from 'node:net';
import { messageOf } from '../errors.ts';
import { ProtocolError } from '../memcached/client.ts';
import { CommandParser, EndlessCommand } from '../memcached/command-parser.ts';
import { planOf } from './door-commands.ts';
import type { ConnectionRefusal, DoorCounters } from './door-counters.ts';
import type { SparseLog } from './door-log.ts';
import { type Outcome, type Task, TaskQueue } from './door-queue.ts';
import { failureLine, line, type Reply } from './door-replies.ts';
import type { CommandContext } from './door-task.ts';

export interface DoorConnectionOptions extends CommandContext {
  readonly maxValueBytes: number;
  /** How long a client may be silent in the midst of a command, or not read its answers, in ms. */
  readonly stallTimeoutMs: number;
  /** How long it may be silent between commands, in ms; 0 for ever. */
  readonly idleTimeoutMs: number;
  readonly log: SparseLog;
}

/** How the words CLIENT_ERROR, ERROR and SERVER_ERROR begin. */
const CL = 0x434c;
const ER = 0x4552;
const SE = 0x5345;
/** A `get` of a thousand of the longest keys. */
const MAX_LINE_BYTES = 256 * 1024;
/** First bytes of clients that speak something else, with what helps. */
const STRANGERS = new Map([
  [0x80, 'a client speaks the binary protocol: set it to text (pylibmc: binary=False)'],
  [0x16, 'a client speaks TLS to a cache without: set its certificate, or TLS off in the client'],
]);

/**
 * One client of the cache: reads commands, has several carried out at once, and answers in their
 * order. What it holds is bounded: it reads no further while answers wait for the client to take
 * them or for the store to give them.
 */
export class DoorConnection {
  readonly #socket: Socket;
  readonly #options: DoorConnectionOptions;
  readonly #parser: CommandParser;
  readonly #queue = new TaskQueue();
  /** The task that is to begin next, and the rest of its command, the last first. */
  #next: Task | undefined;
  #rest: Task[] = [];
  #greeted = false;
  /** No further command is read: the client has quit or gone, or the door closes. */
  #ending = false;
  #inputEnded = false;
  #advancing = false;
  #timeoutMs = 0;

  /** Takes over a socket that is allowed to be half open. */
  constructor(socket: Socket, options: DoorConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#parser = new CommandParser({ ...options, maxLineBytes: MAX_LINE_BYTES });
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('end', () => {
      this.#inputEnded = true;
      this.#advance();
    });
    socket.on('drain', () => this.#advance());
    socket.on('timeout', () => this.#onSilence());
    // A client that breaks off concerns nobody else; 'close' follows.
    socket.on('error', () => {});
    this.#watch();
  }

  /** Reads no further command; ends when the answers to those that were read have left. */
  drain(): void {
    this.#ending = true;
    this.#advance();
  }

  #receive(chunk: Buffer): void {
    this.#options.counters.bytes.read += chunk.length;
    if (this.#ending) return;
    if (!this.#greeted) {
      this.#greeted = true;
      const remedy = STRANGERS.get(chunk[0]!);
      if (remedy !== undefined) {
        this.#refuse('protocol', remedy);
        return;
      }
    }
    this.#parser.feed(chunk);
    this.#advance();
  }

  /** Goes on as far as client and store allow. */
  #advance(): void {
    if (this.#advancing || this.#socket.destroyed) return;
    this.#advancing = true;
    try {
      this.#send();
      for (let task = this.#take(); task !== undefined; task = this.#take()) this.#begin(task);
    } catch (error) {
      if (!(error instanceof EndlessCommand)) throw error;
      this.#refuse('protocol', `a client sends what is no memcached command: ${error.message}`);
    } finally {
      this.#advancing = false;
    }
    this.#settleDown();
  }

  /** The next task, if it may begin now. */
  #take(): Task | undefined {
    if (this.#socket.writableNeedDrain) return undefined;
    const next = this.#next ?? this.#rest.pop() ?? this.#read();
    this.#next = next;
    if (next === undefined || !this.#queue.admits(next)) return undefined;
    this.#next = undefined;
    return next;
  }

  /** The first task of the next command, if one has come. */
  #read(): Task | undefined {
    const command = this.#ending ? undefined : this.#parser.next();
    if (command === undefined) return undefined;
    const plan = planOf(this.#options, command);
    if (plan === 'close') {
      this.#ending = true;
      return undefined;
    }
    if ('run' in plan) return plan;
    this.#rest = plan.toReversed();
    return this.#rest.pop();
  }

  #begin(task: Task): void {
    const slot = this.#queue.begin(task);
    const settle = (outcome: Outcome) => {
      countError(this.#options.counters, outcome.reply);
      this.#queue.settle(slot, outcome);
      this.#advance();
    };
    const outcome = task.run();
    if (outcome instanceof Promise) {
      outcome.then(settle, (error: unknown) => settle(this.#failure(error)));
    } else {
      settle(outcome);
      this.#send();
    }
  }

  #failure(error: unknown): Outcome {
    const text = failureLine(error);
    // What a node says of the client's own command is no news to the operator.
    if (!(error instanceof ProtocolError) || text !== error.line) {
      const kind = error instanceof Error ? error.name : 'thrown';
      const reason = messageOf(error);
      this.#options.log.warn(kind, { reason }, 'a command of a client could not be carried out');
    }
    return { reply: line(text), failed: true };
  }

  /** Writes the answers that are there, in order. */
  #send(): void {
    for (let reply = this.#queue.take(); reply !== undefined; reply = this.#queue.take()) {
      if (!Buffer.isBuffer(reply)) for (const part of reply) this.#write(part);
      else if (reply.length > 0) this.#write(reply);
    }
  }

  #write(bytes: Buffer): void {
    const socket = this.#socket;
    this.#options.counters.bytes.written += bytes.length;
    // What is answered in one turn of the event loop leaves in one system call.
    if (socket.writableCorked === 0) {
      socket.cork();
      process.nextTick(() => socket.uncork());
    }
    socket.write(bytes);
  }

  /** Nothing more can be done now: sees to it that it goes on, or ends. */
  #settleDown(): void {
    const socket = this.#socket;
    const blocked = this.#next !== undefined || socket.writableNeedDrain;
    const over = this.#queue.size === 0 && !blocked && (this.#ending || this.#inputEnded);
    if (over) {
      // What still comes is read and dropped: a reset would take answers that are on their way.
      if (!socket.writableEnded) socket.end();
      socket.resume();
    } else if (blocked !== socket.isPaused()) {
      if (blocked) socket.pause();
      else socket.resume();
    }
    this.#watch();
  }

  /** Watches a client that owes something: the rest of a command, or to take its answers. */
  #watch(): void {
    const owing =
      this.#parser.partial || this.#socket.writableNeedDrain || this.#socket.writableEnded;
    const { stallTimeoutMs, idleTimeoutMs } = this.#options;
    const timeoutMs = owing ? stallTimeoutMs : idleTimeoutMs;
    if (timeoutMs === this.#timeoutMs) return;
    this.#timeoutMs = timeoutMs;
    this.#socket.setTimeout(timeoutMs);
  }

  #onSilence(): void {
    const { writableEnded, writableNeedDrain } = this.#socket;
    const waits = this.#queue.size > 0 && !writableNeedDrain;
    // It is the store that is slow, and it has deadlines of its own.
    if (waits) return;
    if (writableEnded) this.#socket.destroy();
    else this.#refuse('silence');
  }

  #refuse(cause: ConnectionRefusal, message?: string): void {
    this.#options.counters.refused[cause]++;
    const client = this.#socket.remoteAddress;
    if (message !== undefined) this.#options.log.warn(cause, { client }, message);
    this.#ending = true;
    this.#socket.destroy();
  }
}

/** Counts an error line by its first word. */
function countError({ errors }: DoorCounters, reply: Reply): void {
  if (!Buffer.isBuffer(reply) || reply.length === 0) return;
  const first = (reply[0]! << 8) | reply[1]!;
  if (first === CL || first === ER) errors.client++;
  else if (first === SE) errors.server++;
}
