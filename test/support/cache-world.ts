import type { Clock } from '../../src/cache/clock.ts';
import { randomFrom } from './random.ts';

interface Event {
  at: number;
  order: number;
  /** The gateway whose process handles it: it waits while that stands still. */
  readonly gateway: number | undefined;
  readonly run: () => void;
  cancelled: boolean;
}

/**
 * Simulated time: events in their order, and gateways that can stand still. Between two events
 * every promise that can go on goes on.
 */
export class World {
  readonly random: () => number;
  now = 0;
  events = 0;
  readonly #queue: Event[] = [];
  #order = 0;
  readonly #pausedUntil: number[] = [];

  constructor(seed: number) {
    this.random = randomFrom(seed);
  }

  between(low: number, high: number): number {
    return low + this.random() * (high - low);
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.random() * choices.length)]!;
  }

  /** Runs `run` after `ms`; the function given back calls it off. */
  after(ms: number, run: () => void, gateway?: number): () => void {
    const event = { at: this.now + ms, order: this.#order++, gateway, run, cancelled: false };
    this.#insert(event);
    return () => {
      event.cancelled = true;
    };
  }

  pauseGateway(gateway: number, ms: number): void {
    this.#pausedUntil[gateway] = Math.max(this.resumesAt(gateway), this.now + ms);
  }

  /** When a gateway goes on; now where it does not stand still. */
  resumesAt(gateway: number): number {
    return Math.max(this.now, this.#pausedUntil[gateway] ?? 0);
  }

  clockOf(gateway: number): Clock {
    return {
      now: () => this.now,
      unixMs: () => 1_700_000_000_000 + Math.floor(this.now),
      after: (ms, run) => this.after(ms, run, gateway),
    };
  }

  /** Runs the world until `done` resolves; rejects when nothing more happens, or time is over. */
  run(done: Promise<unknown>, limitMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let over = false;
      done.then(
        () => {
          over = true;
          resolve();
        },
        (error) => {
          over = true;
          reject(error);
        },
      );
      const step = () => {
        if (over) return;
        const event = this.#next();
        if (event === undefined) return reject(new Error('nothing happens any more'));
        if (this.now > limitMs) return reject(new Error(`not over after ${limitMs} ms`));
        event.run();
        next();
      };
      // A tick that is asked for by a microtask comes when every promise that can go on has.
      const next = () => queueMicrotask(() => process.nextTick(step));
      next();
    });
  }

  #next(): Event | undefined {
    for (;;) {
      const event = this.#take();
      if (event === undefined) return undefined;
      if (event.cancelled) continue;
      const { gateway } = event;
      this.now = event.at;
      this.events++;
      if (gateway === undefined || this.resumesAt(gateway) <= event.at) return event;
      // What piled up is handled in no particular order.
      event.at = this.resumesAt(gateway) + this.random();
      event.order = this.#order++;
      this.#insert(event);
    }
  }

  // A binary heap by time, then by order.
  #insert(event: Event): void {
    const queue = this.#queue;
    let at = queue.length;
    queue.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (isBefore(queue[parent]!, event)) break;
      queue[at] = queue[parent]!;
      at = parent;
    }
    queue[at] = event;
  }

  #take(): Event | undefined {
    const queue = this.#queue;
    const top = queue[0];
    const last = queue.pop();
    if (top === undefined || last === undefined || queue.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= queue.length) break;
      if (child + 1 < queue.length && isBefore(queue[child + 1]!, queue[child]!)) child++;
      if (isBefore(last, queue[child]!)) break;
      queue[at] = queue[child]!;
      at = child;
    }
    queue[at] = last;
    return top;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
