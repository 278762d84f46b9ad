import type { Fault } from './fault.ts';

/** Longest pause between one fault and the next, in ms, and the shortest. */
const PAUSE_MS = { least: 2_000, most: 4_000 } as const;

/** Each fault once in each round, in an order that `random` determines, with a pause before each; without end. */
export function* schedule(
  faults: readonly Fault[],
  random: () => number,
): Generator<{ fault: Fault; pauseMs: number; last: boolean }> {
  for (;;) {
    const left = [...faults];
    while (left.length > 0) {
      const [fault] = left.splice(Math.floor(random() * left.length), 1);
      const pauseMs = PAUSE_MS.least + random() * (PAUSE_MS.most - PAUSE_MS.least);
      yield { fault: fault!, pauseMs, last: left.length === 0 };
    }
  }
}
