import { type Failure, type Result, ratio } from './results.ts';

/** The same work without metrics and access log, and with both. */
export const OBSERVABILITY = {
  group: 'observability',
  unobserved: 'unobserved',
  observed: 'observed',
} as const;

/** What metrics and access log may add to the cost of a request, of its cost without. */
const MOST = 0.08;

/** What they add, in words, where that was measured; and a failure where it is too much. */
export function costOfObserving(results: readonly Result[]): {
  readonly conclusion?: string;
  readonly failure?: Failure;
} {
  const resultOf = (workload: string) => results.find((result) => result.workload === workload);
  const observed = resultOf(OBSERVABILITY.observed);
  const multiple = observed && ratio(observed, resultOf(OBSERVABILITY.unobserved));
  if (multiple === undefined) return {};
  const share = multiple - 1;
  const text = `metrics and access log add ${(share * 100).toFixed(1)} % to the CPU time of a request`;
  const conclusion = `${text} (at most ${MOST * 100} % are wanted).`;
  if (share <= MOST) return { conclusion };
  return {
    conclusion,
    failure: { workload: OBSERVABILITY.observed, peer: 'dashgate', what: text },
  };
}
