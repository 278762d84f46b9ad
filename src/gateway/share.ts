/** Which part of the gateway's limits is a data plane's: one of so many. */
export interface Share {
  readonly index: number;
  readonly of: number;
}

/** All of it. */
export const WHOLE: Share = { index: 0, of: 1 };

/**
 * The part of a whole number: all parts together are the whole, and differ by one at most. Who has
 * the one more differs with `turn`.
 */
export function partOf(whole: number, { index, of }: Share, turn = 0): number {
  return Math.floor(whole / of) + ((index + turn) % of < whole % of ? 1 : 0);
}
