import { type ConformanceCase, playCase } from './case.ts';
import type { Peer, TestedProxy } from './peers/proxy.ts';

/** How one proxy did in one case. */
export interface Result {
  readonly peer: Peer;
  /** What it did otherwise; undefined: nothing. */
  readonly deviation: string | undefined;
  /** Why that is known, where it is. */
  readonly reason: string | undefined;
}

/** Neither a deviation without a reason nor a reason without a deviation. */
export function isAsKnown({ deviation, reason }: Result): boolean {
  return (deviation === undefined) === (reason === undefined);
}

/** Plays one case against each proxy in turn. */
export async function playAgainst(
  proxies: readonly TestedProxy[],
  item: ConformanceCase,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const proxy of proxies) {
    const reason = reasonFor(proxy, item);
    results.push({ peer: proxy.name, deviation: await playCase(item, proxy), reason });
  }
  return results;
}

/** Calls `work` for every item, `width` at a time; the results are in the order of the items. */
export async function inParallel<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(items.length);
  const rest = items.entries();
  const worker = async () => {
    for (const [i, item] of rest) results[i] = await work(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}

/** One line for the case, and one below it for everything that differs. */
export function caseLines({ name }: ConformanceCase, results: readonly Result[]): string {
  const marks = results.map((result) => mark(result).padEnd(9)).join('');
  const notes = results
    .filter((result) => result.deviation !== undefined || result.reason !== undefined)
    .map(({ peer, deviation, reason }) => {
      const known = reason === undefined ? '' : ` (${reason})`;
      return `${' '.repeat(9 * results.length)}  ${peer}: ${deviation ?? 'no longer differs'}${known}\n`;
    });
  return `${marks}${name}\n${notes.join('')}`;
}

/** Per proxy: how many cases it passed, differs in for a known reason, and in for none. */
export function summary(
  proxies: readonly TestedProxy[],
  all: readonly (readonly Result[])[],
): string {
  return proxies
    .map((proxy, i) => {
      const results = all.map((row) => row[i]!);
      const count = (wanted: string) => results.filter((result) => mark(result) === wanted).length;
      return `${proxy.describe()}: ${count('pass')} pass, ${count('differs')} differ for a known reason, ${count('FAILS')} fail, ${count('STALE')} no longer differ\n`;
    })
    .join('');
}

function mark({ deviation, reason }: Result): string {
  if (deviation === undefined) return reason === undefined ? 'pass' : 'STALE';
  return reason === undefined ? 'FAILS' : 'differs';
}

function reasonFor({ differences }: TestedProxy, { name }: ConformanceCase): string | undefined {
  return Object.keys(differences).find((reason) => differences[reason]?.includes(name));
}
