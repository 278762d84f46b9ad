import type { Target } from '../engine/target.ts';

/** A reader that never comes to an end with an input that has two L. */
export const target: Target = {
  oracle: 'none',
  dictionary: [],
  seeds: ['short', 'a LL b'],
  open: () => ({
    check(input) {
      while (/L.*L/.test(input.toString('latin1'))) {}
      return `${input.length % 4}`;
    },
  }),
};
