/** Inclusive ranges of status codes. */
export type StatusSet = readonly (readonly [from: number, to: number])[];

/**
 * Reads a set of status codes such as `200`, `200,301` or `200-399`.
 * @throws Error with a hint where it is not one.
 */
export function parseStatusSet(text: string): StatusSet {
  return text.split(',').map((part) => {
    const match = /^\s*([1-5]\d\d)(?:\s*-\s*([1-5]\d\d))?\s*$/.exec(part);
    const from = Number(match?.[1]);
    const to = Number(match?.[2] ?? match?.[1]);
    if (!match || to < from) {
      throw new Error('is not a list of status codes; write for example 200 or 200-299,302');
    }
    return [from, to] as const;
  });
}

export function includesStatus(set: StatusSet, status: number): boolean {
  return set.some(([from, to]) => status >= from && status <= to);
}

/** What a backend may answer to a health check. */
export interface Expectation {
  readonly statuses: StatusSet;
  /** It may close the connection in order without an answer, as some do where a token is missing. */
  readonly close: boolean;
}

/**
 * Reads what is expected of a health check: status codes, and `close` for an end without an answer.
 * @throws Error with a hint where it is not that.
 */
export function parseExpectation(text: string): Expectation {
  const words = text.split(',').map((word) => word.trim());
  const statuses = words.filter((word) => word !== 'close');
  return {
    statuses: statuses.length === 0 ? [] : parseStatusSet(statuses.join(',')),
    close: statuses.length < words.length,
  };
}
