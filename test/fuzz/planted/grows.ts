import type { Target } from '../engine/target.ts';

/** A reader that keeps ever more values of an input that begins with V, or bytes where it begins with B. */
export const target: Target = {
  oracle: 'none',
  dictionary: [],
  seeds: ['short', 'an input'],
  open: () => ({
    check(input) {
      const kept: unknown[] = [];
      while (input[0] === 0x56) kept.push([kept.length]);
      while (input[0] === 0x42) kept.push(Buffer.alloc(1024 * 1024, 1));
      return `${input.length % 4}`;
    },
  }),
};
