/** A table by words: each row has words, parted by blanks, and what holds for each of them. */
export function wordTable<T>(
  ...rows: readonly (readonly [words: string, value: T])[]
): ReadonlyMap<string, T> {
  return new Map(
    rows.flatMap(([words, value]) => parted(words).map((word) => [word, value] as const)),
  );
}

/** A set of words that are parted by blanks. */
export function wordSet(words: string): ReadonlySet<string> {
  return new Set(parted(words));
}

function parted(words: string): string[] {
  return words.trim().split(/\s+/);
}
