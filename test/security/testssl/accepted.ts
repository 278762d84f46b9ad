import { type Finding, SEVERITIES } from './scan.ts';
import type { SubjectName } from './subjects.ts';

interface Accepted extends Pick<Finding, 'id' | 'severity'> {
  readonly subjects: readonly SubjectName[];
  readonly reason: string;
}

/** Findings above LOW that are no fault of Dashgate, each with the reason. */
export const ACCEPTED: readonly Accepted[] = [
  {
    id: 'engine_problem',
    severity: 'WARN',
    subjects: ['portal', 'console', 'admin'],
    reason: "of the examining host: Debian's openssl has no engine for GOST, which is not offered",
  },
  {
    id: 'sessionresumption_ticket',
    severity: 'WARN',
    subjects: ['portal', 'console', 'admin'],
    reason:
      "of the examining program: its client leaves with the end of its empty input, and comes back without a session where that was before the ticket of TLS 1.3 (HAProxy's is missed as well)",
  },
  {
    id: 'security_headers',
    severity: 'MEDIUM',
    subjects: ['console'],
    reason:
      'of the backend: websockify serves the files of noVNC without such fields, and Dashgate adds none to what a backend says but HSTS',
  },
];

/** What is above LOW. */
export function isGrave({ severity }: Finding): boolean {
  return SEVERITIES.indexOf(severity) > SEVERITIES.indexOf('LOW');
}

export function acceptedFor(subject: SubjectName, finding: Finding): Accepted | undefined {
  return ACCEPTED.find(
    ({ id, severity, subjects }) =>
      id === finding.id && severity === finding.severity && subjects.includes(subject),
  );
}
