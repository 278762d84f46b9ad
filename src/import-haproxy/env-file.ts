import { parseEnv } from 'node:util';
import { plain } from '../terminal.ts';
import type { Draft, Entry } from './draft.ts';
import type { Line } from './line.ts';

const WIDTH = 100;

/** The text of a `.env`: each setting with where it comes from and what to know of it. */
export function envText(draft: Draft, source: string): string {
  const parts = wrapped(`Settings of Dashgate, from ${source}.`);
  const blank = draft.entries.filter(([, entry]) => entry.blank).map(([name]) => name);
  if (blank.length > 0) parts.push(...wrapped(`To fill in: ${blank.join(', ')}.`));
  for (const [name, entry] of draft.entries) {
    const from = entry.lines.length > 0 ? [`From ${linesText(entry.lines)}.`] : [];
    const comments = [...from, ...entry.notes].flatMap(wrapped);
    parts.push('', ...comments, assignment(name, entry));
  }
  return `${parts.join('\n')}\n`;
}

/** Lines as they are told: `haproxy.cfg:12,14-16`. */
export function linesText(lines: readonly Line[]): string {
  const byFile = Map.groupBy(lines, ({ file }) => file);
  return [...byFile]
    .map(([file, each]) => `${file}:${ranges([...new Set(each.map(({ number }) => number))])}`)
    .join(' ');
}

function ranges(numbers: readonly number[]): string {
  const sorted = [...numbers].sort((a, b) => a - b);
  const texts: string[] = [];
  for (let at = 0; at < sorted.length; at += 1) {
    const from = sorted[at]!;
    while (sorted[at + 1] === sorted[at]! + 1) at += 1;
    texts.push(from === sorted[at] ? `${from}` : `${from}-${sorted[at]}`);
  }
  return texts.join(',');
}

/** A setting as `.env` files have it, quoted where it has to be. */
function assignment(name: string, { value, blank }: Entry): string {
  if (blank) return `${name}=`;
  const written = ['', '"', "'", '`'].map((quote) => `${name}=${quote}${value}${quote}`);
  // What Node reads is what counts, so it is asked.
  const good = written.find((text) => parseEnv(text)[name] === value);
  return good ?? `# ${name} cannot be written here: its value has all kinds of quotes`;
}

/** A sentence as lines of comments. */
export function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = '#';
  for (const word of plain(text).split(/\s+/)) {
    if (line.length + word.length + 1 > WIDTH && line !== '#') {
      lines.push(line);
      line = '#';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
