/** One line of a configuration, as it is told to the operator. */
export interface Line {
  /** Name of its file, as it was given. */
  readonly file: string;
  readonly number: number;
  /** As it stands there, without blanks around it. */
  readonly text: string;
  /** What it is made of, quotes and escapes resolved; empty for a comment. */
  readonly words: readonly string[];
  /** Why it cannot be understood; completes "line 12 …". */
  readonly problem?: string | undefined;
}

/** Gives the value of an environment variable, or undefined where it is not set. */
export type Variables = (name: string) => string | undefined;

/** Longest line, in characters; HAProxy's own grows with need, but nobody writes such a line. */
const MAX_LINE = 64 * 1024;

/** Most words of a line; HAProxy takes 64. */
const MAX_WORDS = 256;

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };
/** Not a tab, which HAProxy takes for a blank even there, whatever its manual says. */
const LITERAL = ' \\#\'"';
const BLANK = ' \t\r\n\v\f';

/** The words of a line, or what is wrong with it. */
export interface Words {
  readonly words: readonly string[];
  readonly problem?: string | undefined;
}

/**
 * Cuts a line into words as HAProxy does (configuration manual §2.2 and §2.3): blanks part them, `#`
 * begins a comment, backslashes escape, single quotes protect everything, double quotes all but
 * escapes and variables.
 */
export function wordsOf(line: string, variables: Variables): Words {
  if (line.length > MAX_LINE) return broken(`is longer than ${MAX_LINE} characters`);
  return new Lexer(line, variables).read();
}

class Lexer {
  readonly #line: string;
  readonly #variables: Variables;
  readonly #words: string[] = [];
  #at = 0;
  #word: string | undefined;
  #quote: '"' | "'" | undefined;
  #problem: string | undefined;

  constructor(line: string, variables: Variables) {
    this.#line = line;
    this.#variables = variables;
  }

  read(): Words {
    while (this.#at < this.#line.length && this.#problem === undefined) {
      if (!this.#step(this.#line[this.#at]!)) break;
    }
    if (this.#problem !== undefined) return broken(this.#problem);
    if (this.#quote) return broken(`has a quote ${this.#quote} that is not closed`);
    this.#endWord();
    if (this.#words.length > MAX_WORDS) return broken(`has more than ${MAX_WORDS} words`);
    return { words: this.#words };
  }

  /** Takes one character, with what belongs to it; false where a comment begins. */
  #step(character: string): boolean {
    if (this.#quote === "'") {
      this.#at += 1;
      if (character === "'") this.#quote = undefined;
      else this.#add(character);
    } else if (character === '\\') {
      this.#escape();
    } else if (character === '"' || (character === "'" && !this.#quote)) {
      this.#at += 1;
      this.#quote = this.#quote ? undefined : character;
      this.#add('');
    } else if (character === '$' && this.#quote) {
      this.#variable();
    } else if (!this.#quote && character === '#') {
      return false;
    } else {
      this.#at += 1;
      if (!this.#quote && BLANK.includes(character)) this.#endWord();
      else this.#add(character);
    }
    return true;
  }

  #add(text: string): void {
    this.#word = (this.#word ?? '') + text;
  }

  #endWord(): void {
    if (this.#word !== undefined) this.#words.push(this.#word);
    this.#word = undefined;
  }

  #escape(): void {
    const next = this.#line[this.#at + 1] ?? '';
    const hex = /^x([0-9a-f]{2})/i.exec(this.#line.slice(this.#at + 1, this.#at + 4));
    if (hex) {
      this.#add(String.fromCharCode(Number.parseInt(hex[1]!, 16)));
      this.#at += 4;
    } else if (next === 'x') {
      this.#problem = 'has \\x without two hexadecimal digits';
    } else if (next !== '' && (LITERAL.includes(next) || (next === '$' && this.#quote))) {
      this.#add(next);
      this.#at += 2;
    } else if (next in ESCAPES) {
      this.#add(ESCAPES[next]!);
      this.#at += 2;
    } else {
      // Before anything else it is itself, as regular expressions need it.
      this.#add('\\');
      this.#at += 1;
    }
  }

  #variable(): void {
    const rest = this.#line.slice(this.#at);
    const match =
      /^\$\{(\.?[A-Za-z_]\w*)(\[\*\])?(?:-([^}]*))?\}/.exec(rest) ??
      /^\$(\.?[A-Za-z_]\w*)/.exec(rest);
    if (!match) {
      this.#problem = 'has a $ in double quotes that names no variable; write \\$ for the sign';
      return;
    }
    const [whole, name = '', list, fallback] = match;
    const value = this.#variables(name) ?? fallback;
    if (value === undefined) {
      this.#problem = notSet(name);
      return;
    }
    this.#at += whole.length;
    if (list) this.#spread(value);
    else this.#add(value);
  }

  /** `"${NAME[*]}"`: each word of the value is a word of the line. */
  #spread(value: string): void {
    const parts = value.split(/\s+/).filter(Boolean);
    for (const [index, part] of parts.entries()) {
      if (index > 0) this.#endWord();
      this.#add(part);
    }
  }
}

/** The problem of a line that needs a variable. */
export function notSet(name: string): string {
  return `uses the variable ${name}, which is not set here: run it again with ${name}=… before the command`;
}

function broken(problem: string): Words {
  return { words: [], problem };
}
