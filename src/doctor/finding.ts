/** How much a finding matters, from least to most. */
export const SEVERITIES = ['ok', 'note', 'warning', 'error'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** One thing that an examination has found. Nothing of it is secret. */
export interface Finding {
  /** What was examined; one of the names of `CHECKS`, or `configuration`. */
  readonly check: string;
  readonly severity: Severity;
  /** What it is about: a setting, a backend, a node, a host. */
  readonly subject: string;
  /** What was seen, in one sentence. */
  readonly detail: string;
  /** What helps; undefined where nothing has to be done. */
  readonly remedy?: string | undefined;
}

/** A finding of a check that says itself which one it is. */
export type Observation = Omit<Finding, 'check'>;

/** Takes what a check finds, as it finds it: what it has told counts also where it never ends. */
export type Report = (observation: Observation) => void;

/** How many findings there are of each severity. */
export function countsOf(findings: readonly Finding[]): Record<Severity, number> {
  const counts: Record<Severity, number> = { ok: 0, note: 0, warning: 0, error: 0 };
  for (const { severity } of findings) counts[severity] += 1;
  return counts;
}
