import type { Findings } from './findings.ts';

/** What the users of one front door saw of one fault, in all its trials. */
export interface Row {
  readonly fault: string;
  readonly peer: string;
  readonly trials: readonly Findings[];
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);

const COLUMNS: readonly (readonly [
  title: string,
  cell: (trials: readonly Findings[]) => string,
])[] = [
  ['gap ms', (trials) => spread(trials.map(({ gapMs }) => gapMs))],
  [
    'failed requests',
    (trials) =>
      `${sum(trials.map(({ failed }) => failed))} of ${sum(trials.map(({ requests }) => requests))}`,
  ],
  ['logged out', (trials) => String(sum(trials.map(({ loggedOut }) => loggedOut)))],
  [
    'TLS resumed',
    (trials) => {
      const all = sum(trials.map(({ connections }) => connections));
      if (all === 0) return '–';
      return `${Math.round((100 * sum(trials.map(({ resumed }) => resumed))) / all)} %`;
    },
  ],
  ['consoles back after ms', (trials) => spread(trials.map(({ consolesMs }) => consolesMs))],
];

/** The rows as a table of Markdown, aligned. */
export function renderTable(rows: readonly Row[]): string {
  const titles = ['what happens', 'front door', ...COLUMNS.map(([title]) => title)];
  const cells = rows.map(({ fault, peer, trials }) => [
    fault,
    peer,
    ...COLUMNS.map(([, cell]) => cell(trials)),
  ]);
  const widths = titles.map((title, i) =>
    Math.max(title.length, ...cells.map((line) => line[i]!.length)),
  );
  const line = (texts: readonly string[]) =>
    `| ${texts.map((text, i) => (i < 2 ? text.padEnd(widths[i]!) : text.padStart(widths[i]!))).join(' | ')} |`;
  const rule = widths.map((width, i) => (i < 2 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(titles), line(rule), ...cells.map(line)].join('\n');
}

/** The median, and the least and the most where there are several. */
function spread(values: readonly number[]): string {
  const show = (value: number) => (Number.isFinite(value) ? value.toLocaleString('en') : 'never');
  const sorted = values.toSorted((a, b) => a - b);
  if (sorted.length === 1) return show(sorted[0]!);
  return `${show(median(sorted))} (${show(sorted[0]!)}–${show(sorted.at(-1)!)})`;
}

/** The middle one, of two the lower. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? 0;
}

export const LEGEND = `gap: from the first poll (every 50 ms, on a new connection, through to a dashboard) that failed to the next
that did not; median (least–most). failed requests: of users who click on, on new and on kept connections,
from the fault until all is well. TLS resumed: first connections of users to the other node that went on with the
session of the first. consoles: for whom it took longest, from the last picture to the next; a picture that
stands still is noticed after 2 s.`;
