import type { Dials } from './dials.ts';

/** The head of a message as a lenient reader has it. */
export interface LenientHead {
  readonly startLine: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** Bytes up to and with the empty line. */
  readonly length: number;
}

/** The end of the line that begins at `from`: where its text ends and the next one begins. */
export function lineAt(
  text: string,
  from: number,
  { lineEnd }: Pick<Dials, 'lineEnd'>,
): { readonly textEnd: number; readonly next: number } | undefined {
  if (lineEnd === 'crlf') {
    const end = text.indexOf('\r\n', from);
    return end < 0 ? undefined : { textEnd: end, next: end + 2 };
  }
  const mark = lineEnd === 'lf' ? /\r?\n/g : /\r\n|\n|\r(?!$)/g;
  mark.lastIndex = from;
  const found = mark.exec(text);
  return found ? { textEnd: found.index, next: mark.lastIndex } : undefined;
}

/** The head at the front of `text`; undefined while its end has not come. */
export function readLenientHead(text: string, dials: Dials): LenientHead | undefined {
  const lines: string[] = [];
  let at = 0;
  for (;;) {
    const line = lineAt(text, at, dials);
    if (!line) return undefined;
    const content = text.slice(at, line.textEnd);
    at = line.next;
    // Empty lines before a message are skipped (RFC 9112 §2.2).
    if (content === '' && lines.length > 0) break;
    if (content !== '') lines.push(content);
  }
  const [startLine = '', ...rest] = lines.map((line) => withoutNul(line, dials));
  return { startLine, fields: fieldsOf(rest, dials), length: at };
}

/** The values of a name, in order. */
export function valuesOf({ fields }: Pick<LenientHead, 'fields'>, name: string): string[] {
  return fields.filter(([other]) => other === name).map(([, value]) => value);
}

function withoutNul(line: string, { nul }: Dials): string {
  if (nul === 'keep') return line;
  return nul === 'drop' ? line.replaceAll('\0', '') : (line.split('\0', 1)[0] ?? '');
}

function fieldsOf(lines: readonly string[], dials: Dials): [string, string][] {
  const fields: [string, string][] = [];
  for (const line of lines) {
    const folded = /^[ \t]/.test(line);
    if (folded && dials.fold === 'drop') continue;
    const last = fields.at(-1);
    if (folded && dials.fold === 'join') {
      if (last) last[1] = `${last[1]} ${trimmed(line, dials)}`.trim();
      continue;
    }
    const text = folded ? line.replace(/^[ \t]+/, '') : line;
    const colon = text.indexOf(':');
    if (colon < 0) continue;
    fields.push([nameOf(text.slice(0, colon), dials), trimmed(text.slice(colon + 1), dials)]);
  }
  return fields;
}

function nameOf(text: string, { names, underscores }: Dials): string {
  let name = text.toLowerCase();
  if (names === 'trim') name = name.replace(/[^!#$%&'*+.^_`|~\w-]/g, '');
  return underscores ? name.replaceAll('_', '-') : name;
}

function trimmed(value: string, { names }: Dials): string {
  const around =
    names === 'trim' ? /^[\0-\x20\x7f-\xa0"']+|[\0-\x20\x7f-\xa0"']+$/g : /^[ \t]+|[ \t]+$/g;
  return value.replace(around, '');
}
