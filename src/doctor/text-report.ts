import { type Colour, painter, plain } from '../terminal.ts';
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
const COLOURS: Readonly<Record<Severity, Colour>> = {
  ok: 'green',
  note: 'cyan',
  warning: 'yellow',
  error: 'alarm',
};
const INDENT = ' '.repeat(10);

/** Findings for people: by check, each with its remedy, and how many there are. */
export function textReport(findings: readonly Finding[], { colour }: TextOptions): string {
  const paint = painter(colour);
  const lines: string[] = [];
  for (const [check, found] of Map.groupBy(findings, (finding) => finding.check)) {
    lines.push(paint('bold', check));
    for (const { severity, subject, detail, remedy } of found) {
      const label = paint(COLOURS[severity], LABELS[severity]);
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
