import type { Attack } from './attack.ts';
import type { Findings } from './findings.ts';
import { missed } from './verdict.ts';

/** What was found of each proxy, in one attack. */
export interface Row {
  readonly attack: Attack;
  readonly findings: readonly Findings[];
}

/** What there is to read of a run, as Markdown: its table, what was missed, and the memory that it took. */
export function report(rows: readonly Row[], versions: readonly string[]): string {
  const wrong = misses(rows).map((line) => `- ${line}`);
  const target =
    wrong.length === 0
      ? ['Dashgate reached the target in every attack.']
      : ['Dashgate missed the target:', '', ...wrong];
  const bound = memoryBound(rows);
  const memory = bound
    ? ['', `Most memory of a connection: ${Math.round(bound.KiB)} KiB (\`${bound.attack.name}\`).`]
    : [];
  return [table(rows, versions), '', ...target, ...memory].join('\n');
}

/** A line for each attack and proxy. */
function table(rows: readonly Row[], versions: readonly string[]): string {
  const head = [
    'attack',
    'proxy',
    'p50 / p99 quiet, ms',
    'p50 / p99 (worst second) during, ms',
    'failed',
    'connections',
    'gone after, s',
    'memory before / peak / after, MiB',
    'CPU',
  ];
  const lines = rows.flatMap(({ attack, findings }) =>
    findings.map((found, i) => [
      i === 0 ? `${attack.title}${deadlineOf(attack)}` : '',
      found.proxy,
      latency(found.quiet),
      `${latency(found.during)} (${found.during.worst.toFixed(0)})`,
      `${found.failures.length} of ${found.requests}`,
      connections(found),
      found.goneSeconds?.toFixed(1) ?? 'not',
      memory(found),
      `${Math.round(found.cpuPercent)} %`,
    ]),
  );
  const rule = head.map((_, i) => (i < 2 ? '---' : '---:'));
  const text = [head, rule, ...lines].map((cells) => `| ${cells.join(' | ')} |`);
  return [...text, '', `${versions.join('; ')}.`].join('\n');
}

/** What Dashgate missed, a line each. */
export function misses(rows: readonly Row[]): string[] {
  return rows.flatMap(({ attack, findings }) =>
    findings
      .filter(({ proxy }) => proxy === 'dashgate')
      .flatMap((found) => missed(attack, found).map((what) => `${attack.name}: ${what}`)),
  );
}

/** With fewer connections, what grows once would be taken for theirs. */
const LEAST_HELD = 250;

/** The most that one abusive connection took of Dashgate's memory, in KiB, and in which attack. */
function memoryBound(rows: readonly Row[]): { KiB: number; attack: Attack } | undefined {
  const all = rows.flatMap(({ attack, findings }) =>
    findings
      .filter(({ proxy, held }) => proxy === 'dashgate' && held > LEAST_HELD)
      .map(({ memory: { before, peak }, held }) => ({
        attack,
        KiB: ((peak - before) * 1_024) / held,
      })),
  );
  return all.toSorted((a, b) => b.KiB - a.KiB)[0];
}

function deadlineOf({ deadline }: Attack): string {
  return deadline ? ` (\`${deadline.setting}\` ${deadline.seconds} s)` : '';
}

function latency({ p50, p99 }: Findings['quiet']): string {
  return `${p50.toFixed(1)} / ${p99.toFixed(1)}`;
}

function connections({ held, perSecond }: Findings): string {
  return perSecond === undefined || perSecond <= held ? `${held}` : `${held}, ${perSecond} /s`;
}

function memory({ memory: { before, peak, after } }: Findings): string {
  return [before, peak, after].map((mib) => Math.round(mib)).join(' / ');
}
