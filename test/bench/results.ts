/** What some work of one workload cost a proxy. */
export interface Measurement {
  /** CPU time of the proxy's processes for a unit of work in µs; or memory of a tunnel in KiB. */
  readonly cost: number;
  readonly units: number;
  readonly perSecond?: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  /** Share of the time in which the proxy used a core; near 1, the proxy was the bottleneck. */
  readonly busy?: number;
  /** Share of the time in which others than the proxy used its core; they spoil the figures. */
  readonly others?: number;
  /** PSS of the proxy's processes after the round, in MiB. */
  readonly memoryMiB: number;
}

/** A round of one workload with one proxy. */
export interface Sample extends Measurement {
  /** From 0; all proxies take their turns in a round, one shortly after the other. */
  readonly round: number;
}

/** All rounds of one workload with one peer. */
export interface Result {
  readonly group: string;
  readonly workload: string;
  readonly title: string;
  readonly peer: string;
  readonly unit: 'µs' | 'KiB';
  readonly samples: readonly Sample[];
}

/** Something that went wrong; one is enough for the bench to fail. */
export interface Failure {
  readonly workload: string;
  readonly peer: string;
  readonly what: string;
}

/** The middle of the numbers; of the two in the middle, their mean. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  const upper = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? Number.NaN) + upper) / 2;
}

/** The median of one figure over the rounds; undefined where it was not taken. */
export function medianOf(result: Result, figure: keyof Sample): number | undefined {
  const numbers = result.samples.map((sample) => sample[figure]).filter((n) => n !== undefined);
  return numbers.length > 0 ? median(numbers) : undefined;
}

/** How far the rounds lie apart: half of the range of their costs, as a share of the median. */
export function spread({ samples }: Result): number | undefined {
  const costs = samples.map(({ cost }) => cost);
  if (costs.length < 2) return undefined;
  return (Math.max(...costs) - Math.min(...costs)) / 2 / median(costs);
}

/**
 * A figure of a result as a multiple of that of `other`: the median of what it was in each round. A
 * shared host is twice as fast in some minutes as in others, which two medians over all rounds would mix.
 */
export function ratio(
  result: Result,
  other: Result | undefined,
  figure: 'cost' | 'perSecond' = 'cost',
): number | undefined {
  const bases = new Map(other?.samples.map((sample) => [sample.round, sample[figure]]));
  const ratios = result.samples.flatMap((sample) => {
    const base = bases.get(sample.round);
    const value = sample[figure];
    return base && value ? [value / base] : [];
  });
  return ratios.length > 0 ? median(ratios) : undefined;
}

/** The result of `peer` for the same workload. */
export function sibling(results: readonly Result[], of: Result, peer: string): Result | undefined {
  return results.find((result) => result.workload === of.workload && result.peer === peer);
}

/** The first workload of its group, with the same peer: what growth is measured from. */
export function baseline(results: readonly Result[], of: Result): Result | undefined {
  const first = results.find(({ group, peer }) => group === of.group && peer === of.peer);
  return first === of ? undefined : first;
}
