export interface BackoffOptions {
  /** The longest wait after the first failure, in ms. */
  readonly firstMs: number;
  /** The longest wait after any number of failures, in ms. */
  readonly maxMs: number;
}

export const DEFAULT_BACKOFF: BackoffOptions = { firstMs: 50, maxMs: 2000 };

/**
 * How long to wait after `failures` failures in a row, in ms: doubled with each failure up to the
 * longest, and spread over the upper half of that time, so that many clients of one node do not
 * come back in step. `random` gives numbers from 0 up to 1.
 */
export function backoffDelay(
  failures: number,
  { firstMs, maxMs }: BackoffOptions,
  random: () => number = Math.random,
): number {
  const longest = Math.min(firstMs * 2 ** (failures - 1), maxMs);
  return longest * (0.5 + random() / 2);
}
