import type { Fields } from '../policy/fields.ts';
import type { NameKind } from './header-names.ts';
import { isWord } from './octets.ts';

/** Numbers that are kept of each line. */
const STRIDE = 5;

/**
 * The field lines of one message head: where each name and value lies in the text of the head.
 * The parser that owns the table fills it anew for each message, and no string is made of a field
 * before somebody asks for it.
 */
export class HeaderLines implements Fields {
  /** The whole head as latin1, from its first byte to the end of its empty line. */
  text = '';
  count = 0;
  /** Fields that `Connection` names and that therefore end here, in lower case. */
  readonly connectionNames: string[] = [];
  readonly #numbers: number[] = [];

  clear(): void {
    this.text = '';
    this.count = 0;
    // Setting a length is not for free, and hardly ever is there anything to drop.
    if (this.connectionNames.length > 0) this.connectionNames.length = 0;
  }

  add(
    kind: NameKind,
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
  ): void {
    const at = this.count * STRIDE;
    this.#numbers[at] = kind;
    this.#numbers[at + 1] = nameStart;
    this.#numbers[at + 2] = nameEnd;
    this.#numbers[at + 3] = valueStart;
    this.#numbers[at + 4] = valueEnd;
    this.count += 1;
  }

  kind(line: number): NameKind {
    return this.#numbers[line * STRIDE]!;
  }

  /** Where the line, and its name, begins. */
  start(line: number): number {
    return this.#numbers[line * STRIDE + 1]!;
  }

  /** Where the next line begins, be it the empty one that ends the head. */
  end(line: number): number {
    return line + 1 < this.count ? this.start(line + 1) : this.last;
  }

  /** Where the first line begins. */
  get first(): number {
    return this.count === 0 ? this.last : this.start(0);
  }

  /** Where the empty line begins that ends the head. */
  get last(): number {
    return this.text.length - 2;
  }

  valueStart(line: number): number {
    return this.#numbers[line * STRIDE + 3]!;
  }

  valueEnd(line: number): number {
    return this.#numbers[line * STRIDE + 4]!;
  }

  name(line: number): string {
    return this.text.slice(this.start(line), this.#nameEnd(line));
  }

  /** The value of one line, without the blanks around it. */
  valueAt(line: number): string {
    return this.text.slice(this.valueStart(line), this.valueEnd(line));
  }

  /** Whether a line has this value. To compare with what was cut out would be a call into V8's runtime. */
  hasValue(line: number, value: string): boolean {
    const start = this.valueStart(line);
    return this.valueEnd(line) - start === value.length && this.text.startsWith(value, start);
  }

  /** Whether the line has this name, given in lower case. */
  isNamed(line: number, name: string): boolean {
    return isWord(this.text, this.start(line), this.#nameEnd(line), name);
  }

  /**
   * The value of a field by its lower-case name, its repetitions joined as RFC 9110 §5.3 allows,
   * cookies as RFC 6265 §4.2.1 has them; undefined where there is none.
   */
  value(name: string): string | undefined {
    let value: string | undefined;
    for (let line = 0; line < this.count; line += 1) {
      if (!this.isNamed(line, name)) continue;
      const more = this.valueAt(line);
      value = value === undefined ? more : `${value}${name === 'cookie' ? '; ' : ', '}${more}`;
    }
    return value;
  }

  #nameEnd(line: number): number {
    return this.#numbers[line * STRIDE + 2]!;
  }
}
