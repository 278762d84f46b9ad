import { Finding, type Target } from '../engine/target.ts';

/** A reader with a fault that two letters bring out. */
export const target: Target = {
  oracle: 'none',
  dictionary: ['xy'],
  seeds: ['short', 'long enough'],
  open: () => ({
    check(input) {
      const text = input.toString('latin1');
      if (/x.*y/s.test(text)) throw new Finding('x before y', text);
      return `${text.length % 8} ${text.includes('x')}`;
    },
  }),
};
