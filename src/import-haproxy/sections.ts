import { withAddress } from './address-variables.ts';
import { type Line, type Variables, wordsOf } from './line.ts';

/** The text of one file. */
export interface SourceFile {
  readonly name: string;
  readonly text: string;
}

/** A section: the line that begins it, and those that follow. */
export interface Section {
  /** `global`, `defaults`, `frontend`, `backend`, `listen`, or the name of another kind. */
  readonly kind: string;
  readonly name: string;
  readonly head: Line;
  readonly lines: Line[];
  /** The defaults that apply to a proxy, or to defaults that build on others. */
  readonly defaults?: Section | undefined;
}

export interface Sections {
  readonly sections: readonly Section[];
  /** Lines that belong to no section: conditional blocks, and what precedes all sections. */
  readonly strays: readonly Stray[];
  /** All lines that say something, in order. */
  readonly lines: readonly Line[];
}

export interface Stray {
  readonly line: Line;
  readonly reason: string;
}

const KINDS = new Set([
  'global',
  'defaults',
  'frontend',
  'backend',
  'listen',
  'peers',
  'resolvers',
  'userlist',
  'mailers',
  'cache',
  'program',
  'http-errors',
  'ring',
  'log-forward',
  'log-profile',
  'fcgi-app',
  'crt-store',
  'traces',
  'acme',
]);

/** The kinds to which defaults apply. */
const PROXIES = new Set(['frontend', 'backend', 'listen']);

const IN_CONDITION =
  'stands in a conditional block (.if), which HAProxy decides when it starts: take the block apart and import again, where it matters';

const UNCLOSED =
  'begins a conditional block (.if) that has no .endif, so nothing after it in the file is looked at';

/** Reads files, in order, into sections; as HAProxy, it has defaults reach from file to file. */
export function readSections(files: readonly SourceFile[], environment: Variables): Sections {
  const reader = new SectionReader(environment);
  for (const file of files) reader.read(file);
  return reader;
}

class SectionReader implements Sections {
  readonly sections: Section[] = [];
  readonly strays: Stray[] = [];
  readonly lines: Line[] = [];
  readonly #environment: Variables;
  /** What `setenv` and its like have made of the environment. */
  readonly #changes = new Map<string, string | undefined>();
  #section: Section | undefined;
  #latestDefaults: Section | undefined;
  /** The `.if` lines of the conditional blocks that are open. */
  readonly #open: Line[] = [];

  constructor(environment: Variables) {
    this.#environment = environment;
  }

  read({ name, text }: SourceFile): void {
    this.#open.length = 0;
    this.#section = undefined;
    let number = 0;
    for (const raw of linesOf(text)) {
      number += 1;
      const pseudo = (variable: string) => this.#pseudo(variable, name, number);
      const { words, problem } = withAddress(wordsOf(raw, pseudo), pseudo);
      if (words.length === 0 && problem === undefined) continue;
      this.#take({ file: name, number, text: shown(raw), words, problem });
    }
    const [unclosed] = this.#open;
    const at = this.strays.findIndex(({ line }) => line === unclosed);
    if (unclosed) this.strays[at] = { line: unclosed, reason: UNCLOSED };
  }

  #pseudo(variable: string, file: string, number: number): string | undefined {
    if (variable === '.FILE') return file;
    if (variable === '.LINE') return String(number);
    if (variable === '.SECTION') return this.#section?.name || (this.#section?.kind ?? '');
    return this.#changes.has(variable) ? this.#changes.get(variable) : this.#environment(variable);
  }

  #take(line: Line): void {
    this.lines.push(line);
    // A line that is broken further on still steers what follows it.
    const [keyword = ''] = line.words.length > 0 ? line.words : line.text.split(/\s/, 1);
    if (this.#condition(line, keyword)) return;
    if (KINDS.has(keyword)) {
      this.#begin(line, keyword);
    } else if (this.#section) {
      this.#section.lines.push(line);
      if (this.#section.kind === 'global') this.#changeEnvironment(line.words);
    } else {
      const reason = line.problem ?? 'precedes every section, so HAProxy does not take it either';
      this.strays.push({ line, reason });
    }
  }

  /** Whether a line steers a conditional block or stands in one. */
  #condition(line: Line, keyword: string): boolean {
    const steers = /^\.(?:if|elif|else|endif)$/.test(keyword);
    if (keyword === '.if') this.#open.push(line);
    if (this.#open.length > 0) {
      this.strays.push({ line, reason: IN_CONDITION });
      if (keyword === '.endif') this.#open.pop();
      return true;
    }
    if (steers)
      this.strays.push({ line, reason: 'goes on with a conditional block that did not begin' });
    const prints = /^\.(?:diag|notice|warning|alert)$/.test(keyword);
    if (prints)
      this.strays.push({ line, reason: 'only has HAProxy print a message when it starts' });
    return steers || prints;
  }

  #begin(head: Line, kind: string): void {
    const [, first = ''] = head.words;
    const name = first === 'from' && kind === 'defaults' ? '' : first;
    const from = head.words[head.words.indexOf('from', 1) + 1];
    const named = head.words.includes('from') ? this.#defaultsNamed(from) : undefined;
    const defaults = named ?? (PROXIES.has(kind) ? this.#latestDefaults : undefined);
    this.#section = { kind, name, head, lines: [], defaults };
    this.sections.push(this.#section);
    if (kind === 'defaults') this.#latestDefaults = this.#section;
  }

  #defaultsNamed(name: string | undefined): Section | undefined {
    return this.sections.findLast(
      (section) => section.kind === 'defaults' && section.name === name,
    );
  }

  #changeEnvironment([keyword = '', name = '', value = '']: readonly string[]): void {
    if (keyword === 'setenv') this.#changes.set(name, value);
    if (keyword === 'unsetenv') this.#changes.set(name, undefined);
    if (keyword === 'presetenv' && this.#pseudo(name, '', 0) === undefined) {
      this.#changes.set(name, value);
    }
  }
}

/** The lines of a text, without copying all of them at once. */
function* linesOf(text: string): Generator<string> {
  let start = 0;
  while (start < text.length) {
    const end = text.indexOf('\n', start);
    yield text.slice(start, end < 0 ? text.length : end);
    if (end < 0) return;
    start = end + 1;
  }
}

/** Longest text of a line that is told, in characters. */
const MAX_SHOWN = 200;

/** A line as it is told: of a length to read, and without passwords. */
function shown(raw: string): string {
  const text = raw.trim().slice(0, 2 * MAX_SHOWN);
  const safe = text
    .replace(/(\bstats\s+auth\s+[^\s:]*:).*/i, '$1…')
    .replace(/(\b(?:insecure-)?password\s+)\S+/i, '$1…')
    .replace(/(authorization\b[:\\"']*\s*).+/i, '$1…')
    .replace(/(\b(?:pre)?setenv\s+\S*(?:PASS|SECRET|TOKEN|KEY|CRED)\S*\s+).+/i, '$1…')
    .replace(/(\bca-sign-pass\s+)\S+/, '$1…')
    // What would move the cursor of a terminal or its colours.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    .replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => (character === '\t' ? ' ' : '?'));
  return safe.length > MAX_SHOWN ? `${safe.slice(0, MAX_SHOWN)}…` : safe;
}
