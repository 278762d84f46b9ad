/** Latencies of the other user's requests, in ms. */
export interface Latency {
  /** Medians of the rounds. */
  readonly p50: number;
  readonly p99: number;
  /** The largest p99 of a round. */
  readonly worst: number;
}

/** What one attack did to one proxy. */
export interface Findings {
  readonly attack: string;
  readonly proxy: string;
  readonly quiet: Latency;
  readonly during: Latency;
  /** Requests of the other user, and what went wrong with them. */
  readonly requests: number;
  readonly failures: readonly string[];
  /** Most abusive connections that the proxy held at once. */
  readonly held: number;
  /**
   * Seconds until the proxy held none: from the time when all were open where they go on, and from the
   * end of the attack otherwise. Undefined: it still held some when the attack was given up.
   */
  readonly goneSeconds: number | undefined;
  /** PSS of all its processes, in MiB. */
  readonly memory: { readonly before: number; readonly peak: number; readonly after: number };
  /** Of one core, in percent, while it was attacked. */
  readonly cpuPercent: number;
  /** What the attack did in a second: see `Deeds`; undefined where its program does not tell. */
  readonly perSecond: number | undefined;
  readonly faults: readonly string[];
}

/** The middle one, of two the lower. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? 0;
}

/** The value that so many percent are not above. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? 0;
}
