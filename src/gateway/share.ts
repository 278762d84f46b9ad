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

/**
 * Divides a whole number by what is needed. Where all needs can be met they are, and who needs least has
 * what is left, up to even parts. Where not, none has more than it needs, and none less than another one
 * that has all of its need (max-min fairness). Who has the odd one differs with `turn`.
 */
export function fairParts(whole: number, needs: readonly number[], turn = 0): number[] {
  const enough = needs.reduce((sum, need) => sum + need, 0) <= whole;
  const parts: number[] = [];
  const rest = new Set(needs.keys());
  let left = whole;
  const inTurn = Array.from(rest).sort((one, other) =>
    enough ? needs[other]! - needs[one]! : needs[one]! - needs[other]!,
  );
  for (const index of inTurn) {
    const need = needs[index]!;
    const even = left / rest.size;
    // From here on, even parts are enough for all where there is enough, and for none where not.
    if (enough ? need <= even : need >= even) break;
    parts[index] = need;
    left -= need;
    rest.delete(index);
  }
  for (const [nth, index] of Array.from(rest).entries()) {
    parts[index] = partOf(left, { index: nth, of: rest.size }, turn);
  }
  return parts;
}
