import { monitorEventLoopDelay } from 'node:perf_hooks';
import { LOOP_WATCH_MS, type Vitals } from '../admin/counts.ts';

/** Over how long delays are put together, in ms: a scrape is to see what was between it and the last. */
const WINDOW_MS = 15_000;

/** Tells how this process is. */
export class VitalsReader {
  readonly #histogram = monitorEventLoopDelay({ resolution: LOOP_WATCH_MS });
  #since = performance.now();
  #last: Vitals['delay'] | undefined;

  constructor() {
    this.#histogram.enable();
  }

  read(): Vitals {
    const now = performance.now();
    let delay = this.#last;
    if (!delay || now - this.#since >= WINDOW_MS) {
      const { mean, max } = this.#histogram;
      delay = {
        mean: lateness(mean),
        p99: lateness(this.#histogram.percentile(99)),
        max: lateness(max),
      };
    }
    if (now - this.#since >= WINDOW_MS) {
      this.#last = delay;
      this.#histogram.reset();
      this.#since = now;
    }
    return { pid: process.pid, residentBytes: process.memoryUsage.rss(), delay };
  }

  stop(): void {
    this.#histogram.disable();
  }
}

/** In seconds; what is measured is the time between two turns, in ns. */
function lateness(ns: number): number {
  return Number.isFinite(ns) ? Math.max(0, ns / 1e9 - LOOP_WATCH_MS / 1e3) : 0;
}
