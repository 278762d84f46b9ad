import { type Failure, medianOf, type Result } from './results.ts';

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
  const costOf = (workload: string) => {
    const result = results.find((candidate) => candidate.workload === workload);
    return result && medianOf(result, 'cost');
  };
  const without = costOf(OBSERVABILITY.unobserved);
  const both = costOf(OBSERVABILITY.observed);
  if (without === undefined || both === undefined) return {};
  const share = both / without - 1;
  const text = `metrics and access log add ${(share * 100).toFixed(1)} % to the CPU time of a request`;
  const conclusion = `${text} (at most ${MOST * 100} % are wanted).`;
  if (share <= MOST) return { conclusion };
  return {
    conclusion,
    failure: { workload: OBSERVABILITY.observed, peer: 'dashgate', what: text },
  };
}
