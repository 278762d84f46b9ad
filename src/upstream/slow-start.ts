import type { Backend } from './backend.ts';

/** The least part of its weight that a backend has when it comes back. */
const FIRST = 0.1;
/** In how many steps it gets the rest. */
const STEPS = 20;

/** The part of its weight that a backend has `sinceMs` after it came back, growing evenly. */
export function rampAt(sinceMs: number, slowStartMs: number): number {
  return Math.min(1, Math.max(FIRST, sinceMs / slowStartMs));
}

/**
 * Gives a backend that becomes usable again (up, back from maintenance, no longer ejected) its share
 * little by little, as HAProxy's `slowstart` does: its caches are cold, and least connections would
 * send it everything that comes. One that was usable from the start has all of it. Time is told by
 * whoever calls, in ms.
 */
export class SlowStart {
  readonly #slowStartMs: number;
  readonly #unusable = new Set<Backend>();
  /** When each backend that has not got all of its weight yet came back. */
  readonly #since = new Map<Backend, number>();
  #due = Number.POSITIVE_INFINITY;

  constructor(slowStartMs: number) {
    this.#slowStartMs = slowStartMs;
  }

  /** When `advance` has something to do; infinite for never. */
  get due(): number {
    return this.#due;
  }

  /** Something about the backend has changed. */
  changed(backend: Backend, now: number): void {
    if (!backend.usable) {
      this.#unusable.add(backend);
      this.#since.delete(backend);
      return;
    }
    if (!this.#unusable.delete(backend) || backend.health === 'unknown') return;
    this.#since.set(backend, now);
    backend.ramp = FIRST;
    this.#due = Math.min(this.#due, now + this.#slowStartMs / STEPS);
  }

  advance(now: number): void {
    if (now < this.#due) return;
    for (const [backend, since] of this.#since) {
      backend.ramp = rampAt(now - since, this.#slowStartMs);
      if (backend.ramp === 1) this.#since.delete(backend);
    }
    this.#due = this.#since.size > 0 ? now + this.#slowStartMs / STEPS : Number.POSITIVE_INFINITY;
  }
}
