import { CATEGORIES, type HostileMessage } from './hostile-message.ts';
import { OUTCOMES, type Outcome, type Verdict } from './verdict.ts';

/** What became of each message before one proxy, in the order of the messages. */
export interface Result {
  readonly name: string;
  readonly version: string;
  readonly verdicts: readonly Verdict[];
}

/** A table of Markdown: a line for each category, four counts for each proxy. */
export function table(messages: readonly HostileMessage[], results: readonly Result[]): string {
  const rows = CATEGORIES.map((category) => ({
    category: category as string,
    in: messages.map((message) => message.category === category),
  })).filter((row) => row.in.includes(true));
  rows.push({ category: '**all**', in: messages.map(() => true) });
  const head = ['what is tried', 'messages', ...results.map(({ name }) => name)];
  const lines = rows.map((row) => [
    row.category,
    `${row.in.filter(Boolean).length}`,
    ...results.map(({ verdicts }) => {
      const counts = OUTCOMES.map((outcome) => count(verdicts, row.in, outcome));
      return `${counts.slice(0, -1).join(' / ')} / **${counts.at(-1)}**`;
    }),
  ]);
  const text = [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`);
  return [
    `For each proxy: ${OUTCOMES.join(' / ')}.`,
    '',
    ...text,
    '',
    `${results.map(({ version }) => version).join('; ')}.`,
  ].join('\n');
}

/** A line for each message, and below it who can read it in two ways, and how. */
export function listed(messages: readonly HostileMessage[], results: readonly Result[]): string {
  return messages
    .flatMap(({ category, name, source }, i) => [
      `${results.map(({ verdicts }) => verdicts[i]?.outcome.padEnd(11)).join('')}${category}: ${name} [${source}]`,
      ...results.flatMap((result) =>
        (result.verdicts[i]?.faults ?? []).map((fault) => `    ${result.name}: ${fault}`),
      ),
    ])
    .join('\n');
}

/** Everything, for programs. */
export function tally(messages: readonly HostileMessage[], results: readonly Result[]): unknown {
  return {
    proxies: results.map(({ name, version }) => ({ name, version })),
    messages: messages.map(({ category, name, source, from, bytes, request }, i) => ({
      category,
      name,
      source,
      from,
      bytes: bytes.length > 2_000 ? `${bytes.slice(0, 2_000)}…` : bytes,
      request,
      verdicts: Object.fromEntries(results.map((result) => [result.name, result.verdicts[i]])),
    })),
  };
}

function count(verdicts: readonly Verdict[], within: readonly boolean[], outcome: Outcome): number {
  return verdicts.filter((verdict, i) => within[i] && verdict.outcome === outcome).length;
}
