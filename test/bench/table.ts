import { REFERENCE } from './peers/peers.ts';
import {
  baseline,
  type Failure,
  median,
  medianOf,
  type Result,
  ratio,
  sibling,
  spread,
} from './results.ts';

const HEADINGS = [
  'work',
  'peer',
  'cost per unit',
  '±',
  `× ${REFERENCE}`,
  'growth',
  'per second',
  'p50 ms',
  'p99 ms',
  'core',
  'PSS MiB',
];

/** The figures as one aligned table: medians over the rounds. */
export function renderTable(results: readonly Result[]): string {
  const rows = results.map((result, i) => rowOf(results, result, results[i - 1]));
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]!.length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  const body = rows.flatMap((row, i) => (row[0] !== '' && i > 0 ? ['', line(row)] : [line(row)]));
  return [line(HEADINGS), rule, ...body].join('\n');
}

function rowOf(results: readonly Result[], result: Result, above: Result | undefined): string[] {
  const cost = medianOf(result, 'cost');
  return [
    result.workload === above?.workload ? '' : result.title,
    result.peer,
    costText(cost, result.unit),
    cost ? percent(spread(result)) : '',
    cost ? number(ratio(result, sibling(results, result, REFERENCE)), 2) : '',
    number(ratio(result, baseline(results, result)), 2),
    number(medianOf(result, 'perSecond')),
    number(medianOf(result, 'p50Ms'), 2),
    number(medianOf(result, 'p99Ms'), 2),
    percent(medianOf(result, 'busy')),
    number(medianOf(result, 'memoryMiB')),
  ];
}

function costText(cost: number | undefined, unit: string): string {
  if (cost === undefined) return 'failed';
  return cost === 0 ? 'none' : `${number(cost)} ${unit}`;
}

/** With a point where the number is small, with commas where it is large; nothing for nothing. */
function number(value: number | undefined, digits = value !== undefined && value < 100 ? 1 : 0) {
  if (value === undefined) return '';
  return value.toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

function percent(share: number | undefined): string {
  return share === undefined ? '' : `${Math.round(share * 100)}%`;
}

/** Says so where others used the proxies' core so much that the figures are not worth keeping. */
export function renderWarning(results: readonly Result[]): string | undefined {
  const shares = results.map((result) => medianOf(result, 'others')).filter((n) => n !== undefined);
  const others = median(shares);
  if (!(others > MOST_OTHERS)) return undefined;
  return `WARNING: other processes used ${percent(others)} of the proxies' core meanwhile. Repeat on a quiet host.`;
}

const MOST_OTHERS = 0.05;

/** How to read the table. */
export const LEGEND = `cost per unit: CPU time of all processes of the proxy (µs), or growth of their PSS (KiB); medians over
the rounds, ± half of their range. × haproxy: median over the rounds of the ratio of two turns in the
same round. growth: the same, against the first line of the same work and peer; a round is then a start
of all, in which they work in slices of a fifth of a second. core: share of one core that the proxy used;
well below 100%, the load was the bottleneck, and the proxy paid more for each wake-up.`;

/** What went wrong, one line each. */
export function renderFailures(failures: readonly Failure[]): string {
  return failures
    .map(({ workload, peer, what }) => `FAILED ${workload}, ${peer}: ${what}`)
    .join('\n');
}
