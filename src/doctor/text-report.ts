import { countsOf, type Finding, type Severity } from './finding.ts';

export interface TextOptions {
  /** Whether severities have colours. */
  readonly colour: boolean;
}

const LABELS: Readonly<Record<Severity, string>> = {
  ok: 'ok     ',
  note: 'note   ',
  warning: 'warning',
  error: 'ERROR  ',
};
/** Codes of SGR (ECMA-48 §8.3.117): green, cyan, yellow, bold red. */
const COLOURS: Readonly<Record<Severity, string>> = {
  ok: '32',
  note: '36',
  warning: '33',
  error: '1;31',
};
const BOLD = '1';
const INDENT = ' '.repeat(10);

/** Findings for people: by check, each with its remedy, and how many there are. */
export function textReport(findings: readonly Finding[], { colour }: TextOptions): string {
  const painted = (code: string, text: string) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
  const lines: string[] = [];
  for (const [check, found] of Map.groupBy(findings, (finding) => finding.check)) {
    lines.push(painted(BOLD, check));
    for (const { severity, subject, detail, remedy } of found) {
      const label = painted(COLOURS[severity], LABELS[severity]);
      lines.push(`  ${label} ${plain(subject)}: ${plain(detail)}`);
      if (remedy !== undefined) lines.push(`${INDENT}→ ${plain(remedy)}`);
    }
    lines.push('');
  }
  lines.push(summary(findings));
  return `${lines.join('\n')}\n`;
}

function summary(findings: readonly Finding[]): string {
  const { ok, note, warning, error } = countsOf(findings);
  const parts = [counted(error, 'error'), counted(warning, 'warning'), counted(note, 'note')];
  return `${parts.join(', ')}; ${ok} ok.`;
}

function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** What peers say of themselves must not steer the terminal. */
function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ');
}
