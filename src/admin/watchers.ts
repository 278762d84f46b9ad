import type { ServerResponse } from 'node:http';

/** Makes what watchers are told next: whole messages of an event stream. */
export type Feed = () => Promise<string>;

export interface WatchersOptions {
  /** Most that may watch at once. */
  readonly most: number;
  /** Between two messages, in ms. */
  readonly everyMs: number;
  /** A watcher that takes nothing for so long is let go, in ms. */
  readonly patienceMs: number;
  /** Then everybody has to come anew: who has logged out, or whose login is over, may not. */
  readonly longestMs: number;
  /** How long one that is let go may take for what it has been told, in ms. */
  readonly leaveMs: number;
}

const DEFAULTS: WatchersOptions = {
  most: 20,
  everyMs: 1_000,
  patienceMs: 60_000,
  longestMs: 300_000,
  leaveMs: 5_000,
};
/** Where a message is not made in time, something is sent all the same: the way is open. */
const HEARTBEAT = ': alive\n\n';

interface Watcher {
  readonly response: ServerResponse;
  readonly feed: Feed;
  readonly end: NodeJS.Timeout;
  /** Since when it has taken nothing, in ms; undefined while it does. */
  stuckSince: number | undefined;
}

/**
 * Those who watch the gateway by server-sent events. A message is made only while somebody watches,
 * and once for all who watch the same feed; one that has not taken the last yet misses the next, so
 * that nobody makes the gateway grow.
 */
export class Watchers {
  readonly #options: WatchersOptions;
  readonly #watchers = new Set<Watcher>();
  #timer: NodeJS.Timeout | undefined;
  #making = false;

  constructor(options: Partial<WatchersOptions> = {}) {
    this.#options = { ...DEFAULTS, ...options };
  }

  get size(): number {
    return this.#watchers.size;
  }

  get isFull(): boolean {
    return this.#watchers.size >= this.#options.most;
  }

  /** Begins to tell somebody, with `first`, until the connection ends. */
  add(response: ServerResponse, first: string, feed: Feed): void {
    // Who has left meanwhile is not told of again.
    if (response.destroyed || response.closed) return;
    const end = setTimeout(() => this.#letGo(response), this.#options.longestMs).unref();
    const watcher: Watcher = { response, feed, end, stuckSince: undefined };
    this.#watchers.add(watcher);
    response.once('close', () => this.#remove(watcher));
    // What cannot be written any more is followed by 'close'.
    response.on('error', () => {});
    response.writeHead(200, { 'content-type': 'text/event-stream', connection: 'close' });
    response.write(first);
    this.#timer ??= setInterval(() => void this.#tick(), this.#options.everyMs).unref();
    void this.#tell([watcher]);
  }

  /** Lets all of them go; they may come back. */
  dismiss(): void {
    for (const { response } of this.#watchers) this.#letGo(response);
  }

  /** Ends a stream, and the connection of one who does not take its end. */
  #letGo(response: ServerResponse): void {
    response.end();
    const deadline = setTimeout(() => response.destroy(), this.#options.leaveMs).unref();
    response.once('close', () => clearTimeout(deadline));
  }

  #remove(watcher: Watcher): void {
    this.#watchers.delete(watcher);
    clearTimeout(watcher.end);
    if (this.#watchers.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #tick(): Promise<void> {
    const ready = this.#takers();
    if (this.#making) {
      for (const { response } of ready) response.write(HEARTBEAT);
      return;
    }
    this.#making = true;
    await this.#tell(ready);
    this.#making = false;
  }

  async #tell(watchers: readonly Watcher[]): Promise<void> {
    const messages = new Map<Feed, Promise<string>>();
    for (const { feed } of watchers) {
      // What cannot be told now is told the next time.
      if (!messages.has(feed))
        messages.set(
          feed,
          feed().catch(() => HEARTBEAT),
        );
    }
    for (const { response, feed } of watchers) {
      const message = await messages.get(feed)!;
      if (!response.writableEnded && !response.destroyed) response.write(message);
    }
  }

  /** Those who have taken all that they were told. */
  #takers(): Watcher[] {
    const now = performance.now();
    return Array.from(this.#watchers).filter((watcher) => {
      const { response } = watcher;
      if (response.writableEnded) return false;
      if (!response.writableNeedDrain) {
        watcher.stuckSince = undefined;
        return true;
      }
      watcher.stuckSince ??= now;
      if (now - watcher.stuckSince > this.#options.patienceMs) response.destroy();
      return false;
    });
  }
}
