/** How express-session and connect-memcached are answered. */
export type Callback<Result = unknown> = (error?: unknown, result?: Result) => void;

/**
 * Calls back with what a promise gives, or with its error as `toError` has it. Outside of the promise,
 * so that what the callback throws is not swallowed by it.
 */
export function answer<Result>(
  promise: Promise<Result>,
  callback: Callback<Result>,
  toError: (error: unknown) => unknown = (error) => error,
): void {
  promise.then(
    (result) => process.nextTick(callback, null, result),
    (error) => process.nextTick(callback, toError(error)),
  );
}
