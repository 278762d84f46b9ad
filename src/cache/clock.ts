/** Time as the cache knows it; a simulated one drives the property test. */
export interface Clock {
  /** Milliseconds on a clock that never goes back and that no one sets. */
  now(): number;
  /** Milliseconds of unix time: for what other machines read, never for measuring. */
  unixMs(): number;
  /** Calls back once after `ms`; the function given back calls it off. */
  after(ms: number, callback: () => void): () => void;
}

/** The clocks of this machine. Its timers keep no process alive. */
export const systemClock: Clock = {
  now: () => performance.now(),
  unixMs: () => Date.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms).unref();
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms`. */
export function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve));
}
