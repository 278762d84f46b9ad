import { UsageError } from './entry.ts';

/**
 * Those of the `known` that `--option` names, separated by commas; all where it is not given.
 * @throws UsageError that lists them.
 */
export function chosen<T extends { readonly name: string }>(
  option: string,
  given: string | undefined,
  known: readonly T[],
): readonly T[] {
  if (given === undefined) return known;
  const names = given.split(',');
  const unknown = names.filter((name) => !known.some((one) => one.name === name));
  if (unknown.length === 0) return known.filter(({ name }) => names.includes(name));
  const all = known.map(({ name }) => name).join(', ');
  throw new UsageError(`--${option} knows no "${unknown.join(', ')}"; there are ${all}`);
}

/** What `--option` looks for, letter case aside. @throws UsageError where it is no regular expression. */
export function pattern(option: string, given: string): RegExp {
  try {
    return new RegExp(given, 'i');
  } catch (error) {
    throw new UsageError(`--${option}: ${(error as Error).message}`);
  }
}

/** The whole number that `--option` gives. @throws UsageError */
export function whole(option: string, given: string, least: number, most: number): number {
  const value = /^\d+$/.test(given) ? Number(given) : -1;
  if (value >= least && value <= most) return value;
  throw new UsageError(`--${option} takes a whole number from ${least} to ${most}, not "${given}"`);
}

/** The number, to a tenth, that `--option` gives. @throws UsageError */
export function tenths(option: string, given: string, least: number, most: number): number {
  const value = /^\d+(\.\d)?$/.test(given) ? Number(given) : -1;
  if (value >= least && value <= most) return value;
  throw new UsageError(
    `--${option} takes a number from ${least} to ${most}, with one decimal at most, not "${given}"`,
  );
}
