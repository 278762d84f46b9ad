import { notSet, type Variables, type Words } from './line.ts';

/** Where a line has its address: the number of the word, by the keyword. */
const ADDRESS_AT: ReadonlyMap<string, number> = new Map([
  ['bind', 1],
  ['server', 2],
  ['server-template', 3],
  // Before 1.5, the address could stand on the line of the section.
  ['frontend', 2],
  ['listen', 2],
]);

/**
 * Replaces the variables in the address of a line. There, and only there, HAProxy does so whatever
 * the quotes. It takes one that is not set for nothing, so that `$VIP:443` is every address; here
 * that is a problem of the line.
 */
export function withAddress({ words, problem }: Words, variables: Variables): Words {
  const at = ADDRESS_AT.get(words[0] ?? '');
  const address = at === undefined ? undefined : words[at];
  if (!address?.includes('$')) return { words, problem };
  const unset: string[] = [];
  const text = address.replace(/\$(?:\{(\w*)\}?|(\w*))/g, (_, braced?: string, bare?: string) => {
    const name = braced ?? bare ?? '';
    const value = name === '' ? '' : variables(name);
    if (value === undefined) unset.push(name);
    return value ?? '';
  });
  const [missing] = unset;
  if (missing !== undefined) return { words, problem: notSet(missing) };
  return { words: words.map((word, index) => (index === at ? text : word)), problem };
}
