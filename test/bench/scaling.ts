import { type Result, ratio } from './results.ts';

/** The same load on each core that has a worker: one of them, and two. */
export const SCALING = { group: 'workers', one: 'workers-1', two: 'workers-2' } as const;

/** How many requests two workers serve for each one that a single one does, in words, by peer. */
export function gainOfWorkers(results: readonly Result[]): string | undefined {
  const gains = [...new Set(results.map(({ peer }) => peer))].flatMap((peer) => {
    const resultOf = (workload: string) =>
      results.find((result) => result.workload === workload && result.peer === peer);
    const two = resultOf(SCALING.two);
    const gain = two && ratio(two, resultOf(SCALING.one), 'perSecond');
    return gain === undefined ? [] : [`${gain.toFixed(2)} (${peer})`];
  });
  if (gains.length === 0) return undefined;
  return `two workers, on a core each with the same load beside them, serve ${gains.join(', ')} times the requests per second that one does.`;
}
