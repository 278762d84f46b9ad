/** What a hostile message tries, as the table has it. */
export const CATEGORIES = [
  'Content-Length against Transfer-Encoding',
  'Transfer-Encoding in disguise',
  'Content-Length malformed or repeated',
  'chunk sizes',
  'chunk extensions, ends and trailers',
  'bare LF, bare CR, NUL',
  'folded lines and stray blanks',
  'field names',
  'Host, absolute targets, hop-by-hop',
  'methods, targets, versions',
  'oversized',
  'after an error, Expect, pipelines',
  'upgrades',
  'responses: framing',
  'responses: splitting, 1xx, faked 101',
] as const;
export type Category = (typeof CATEGORIES)[number];

/** One message that is made to be read in two ways, and where the idea comes from. */
export interface HostileMessage {
  readonly category: Category;
  readonly name: string;
  /** Section of an RFC, CVE, or published research. */
  readonly source: string;
  /** Who sends it: a client its request, or a backend its answer. */
  readonly from: 'client' | 'backend';
  /** The bytes of it, as latin1. */
  readonly bytes: string;
  /** To which request a backend answers so; a plain GET where it is not named. */
  readonly request?: string;
  /** The backend closes its connection behind its answer. */
  readonly ends?: boolean;
}

type Row = readonly [name: string, source: string, bytes: string];
type AnswerRow = readonly [
  name: string,
  source: string,
  bytes: string,
  more?: Pick<HostileMessage, 'request' | 'ends'>,
];

/** Requests of a category. */
export function requests(category: Category, rows: readonly Row[]): HostileMessage[] {
  return rows.map(([name, source, bytes]) => ({ category, name, source, from: 'client', bytes }));
}

/** Answers of a category. */
export function answers(category: Category, rows: readonly AnswerRow[]): HostileMessage[] {
  return rows.map(([name, source, bytes, more]) => ({
    category,
    name,
    source,
    from: 'backend',
    bytes,
    ...more,
  }));
}
