import type { Clock } from './clock.ts';

/** Wakes whoever waits for something to change. */
export class Signal {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  notify(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /** Resolves with the next {@link notify}, or after `ms`. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        callOff();
        this.#waiting.delete(wake);
        resolve();
      };
      const callOff = this.#clock.after(ms, wake);
      this.#waiting.add(wake);
    });
  }
}
