/** So many digits fit any of the types, and a double. */
const SHORT = /^\d{1,9}$/;
// Zeros at the front are as many as the line has room for.
const UNSIGNED = /^\+?0*\d{1,20}$/;
const SIGNED = /^[+-]?0*\d{1,20}$/;
const INT64 = 1n << 63n;
const UINT64 = 1n << 64n;

/**
 * A number of a command as memcached reads flags (`safe_strtoul`): 64 bits, cut to 32; undefined
 * for what is none.
 */
export function readUint32(word: string): number | undefined {
  if (SHORT.test(word)) return Number(word);
  const number = readUint64(word);
  return number === undefined ? undefined : Number(BigInt.asUintN(32, number));
}

/** As memcached reads expiration times (`safe_strtol`): 64 bits with a sign, cut to 32. */
export function readInt32(word: string): number | undefined {
  if (SHORT.test(word)) return Number(word);
  if (!SIGNED.test(word)) return undefined;
  const number = BigInt(word.startsWith('+') ? word.slice(1) : word);
  if (number < -INT64 || number >= INT64) return undefined;
  return Number(BigInt.asIntN(32, number));
}

/** As memcached reads versions and deltas (`safe_strtoull`). */
export function readUint64(word: string): bigint | undefined {
  if (!UNSIGNED.test(word)) return undefined;
  const number = BigInt(word.startsWith('+') ? word.slice(1) : word);
  return number < UINT64 ? number : undefined;
}
