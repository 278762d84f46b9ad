import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { CacheStore } from '../../../src/cache/cache-store.ts';
import { DoorConnection, type DoorConnectionOptions } from '../../../src/cache/door-connection.ts';
import { DoorCounters } from '../../../src/cache/door-counters.ts';
import { SparseLog } from '../../../src/cache/door-log.ts';
import { DoorStats } from '../../../src/cache/door-stats.ts';
import { silentLogger } from '../../../src/log.ts';

/** A connection whose client sends these chunks, each by itself, and ends. */
class ClientSocket extends Duplex {
  readonly remoteAddress = '127.0.0.1';
  readonly #chunks: Buffer[];
  readonly #answered: Buffer[] = [];

  constructor(chunks: readonly Buffer[]) {
    super({ allowHalfOpen: true });
    this.#chunks = [...chunks];
  }

  get answer(): Buffer {
    return Buffer.concat(this.#answered);
  }

  /** Time does not pass here. */
  setTimeout(): this {
    return this;
  }

  override _read(): void {
    this.push(this.#chunks.shift() ?? null);
  }

  override _write(chunk: Buffer, _encoding: unknown, done: () => void): void {
    this.#answered.push(Buffer.from(chunk));
    setImmediate(done);
  }
}

/** Connections to a door that is put before a store, without a network between. */
export class DoorClient {
  readonly #options: DoorConnectionOptions;

  constructor(store: CacheStore, maxValueBytes: number) {
    const counters = new DoorCounters();
    const about = { maxConnections: 1, maxValueBytes, idleTimeoutMs: 0, allowFlush: true };
    const version = '1.6.18';
    const stats = new DoorStats(counters, { ...about, version });
    const log = new SparseLog(silentLogger);
    this.#options = { ...about, store, counters, stats, version, log, stallTimeoutMs: 0 };
  }

  /** All that the door answers to a client that sends this in these chunks and ends. */
  async answerTo(chunks: readonly Buffer[]): Promise<Buffer> {
    const socket = new ClientSocket(chunks.filter(({ length }) => length > 0));
    const over = once(socket, 'close');
    new DoorConnection(socket as unknown as Socket, this.#options);
    await over;
    return socket.answer;
  }
}
