import type { Tally } from './tally.ts';

/** What one way to the nodes let users see of one fault. */
export interface Row {
  readonly fault: string;
  readonly client: string;
  readonly way: 'Dashgate' | 'direct';
  readonly tally: Tally;
}

const COLUMNS: readonly (readonly [title: string, cell: (row: Row) => string])[] = [
  ['one node of three', ({ fault }) => fault],
  ['client', ({ client }) => client],
  ['nodes', ({ way }) => way],
  ['clicks', ({ tally }) => tally.clicks.toLocaleString('en')],
  ['logged out', ({ tally }) => String(tally.loggedOut)],
  ['errors', ({ tally }) => String(tally.errors)],
  ['unanswered', ({ tally }) => String(tally.unanswered)],
  ['outdated', ({ tally }) => String(tally.outdated)],
  ['logouts undone', ({ tally }) => String(tally.undone)],
  ['p50 ms', ({ tally }) => String(tally.p50Ms)],
  ['p99 ms', ({ tally }) => String(tally.p99Ms)],
  ['longest ms', ({ tally }) => tally.longestMs.toLocaleString('en')],
];
const TEXT_COLUMNS = 3;

/** The rows as a table of Markdown, aligned. */
export function renderTable(rows: readonly Row[]): string {
  const titles = COLUMNS.map(([title]) => title);
  const cells = rows.map((row) => COLUMNS.map(([, cell]) => cell(row)));
  const widths = titles.map((title, i) =>
    Math.max(title.length, ...cells.map((line) => line[i]!.length)),
  );
  const line = (texts: readonly string[]) =>
    `| ${texts.map((text, i) => (i < TEXT_COLUMNS ? text.padEnd(widths[i]!) : text.padStart(widths[i]!))).join(' | ')} |`;
  const rule = widths.map((width, i) =>
    i < TEXT_COLUMNS ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(titles), line(rule), ...cells.map(line)].join('\n');
}

export const LEGEND = `logged out: users who were sent to log in. errors: answers of 500 and above, or 400 where a session
vanished under a click. unanswered: nothing within 10 s. outdated: an earlier click was forgotten.
logouts undone: sessions that could be read after they had been logged out.`;
