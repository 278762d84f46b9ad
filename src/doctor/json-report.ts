import { countsOf, type Finding, type Severity } from './finding.ts';

/** The form of `dashgate doctor --json`; `format` grows when a program that reads it would stumble. */
export interface JsonReport {
  readonly format: 1;
  /** When it was examined, in ISO 8601. */
  readonly at: string;
  readonly counts: Readonly<Record<Severity, number>>;
  readonly findings: readonly JsonFinding[];
}

export interface JsonFinding {
  readonly check: string;
  readonly severity: Severity;
  readonly subject: string;
  readonly detail: string;
  readonly remedy: string | null;
}

/** Findings for programs. */
export function jsonReport(findings: readonly Finding[], at: Date): JsonReport {
  return {
    format: 1,
    at: at.toISOString(),
    counts: countsOf(findings),
    findings: findings.map(({ check, severity, subject, detail, remedy = null }) => {
      return { check, severity, subject, detail, remedy };
    }),
  };
}
