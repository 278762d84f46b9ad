export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;

/** Which of the 256 octets belong to a class: 1 for those that do. */
export type OctetClass = Uint8Array;

/** What a method or a field name is made of (RFC 9110 §5.6.2). */
export const TOKEN = octets("!#$%&'*+-.^_`|~", [0x30, 0x39], [0x41, 0x5a], [0x61, 0x7a]);

/** What a field value is made of: visible ASCII, obs-text, space and tab (RFC 9110 §5.5). */
export const FIELD_TEXT = octets('\t', [0x20, 0x7e], [0x80, 0xff]);

/** What a request line is made of (RFC 9112 §3): visible ASCII and spaces. */
export const LINE_TEXT = octets('', [0x20, 0x7e]);

/** What a request target is made of: visible ASCII, but no fragment (RFC 9112 §3.2). */
export const TARGET = octets('', [0x21, 0x22], [0x24, 0x7e]);

export const DIGIT = octets('', [0x30, 0x39]);

/** What may stand around a field value and between the parts of a list (RFC 9110 §5.6.3). */
export function isBlank(octet: number): boolean {
  return octet === SP || octet === HTAB;
}

/** The first position from `at` whose octet is not of the class; `end` where all are. */
export function skip(data: Uint8Array, at: number, end: number, octetClass: OctetClass): number {
  while (at < end && octetClass[data[at]!] === 1) at += 1;
  return at;
}

/** As `skip`, in a latin1 string. */
export function skipText(text: string, at: number, end: number, octetClass: OctetClass): number {
  while (at < end && octetClass[text.charCodeAt(at)] === 1) at += 1;
  return at;
}

/**
 * Whether `text` from `start` to `end` is `word`, letter case aside. Neither has control characters,
 * and of what else a token may hold only `^` and `~` are taken for the same.
 */
export function isWord(text: string, start: number, end: number, word: string): boolean {
  if (end - start !== word.length) return false;
  for (let i = 0; i < word.length; i += 1) {
    // This bit makes letters lower-case, and leaves most other characters as they are.
    if ((text.charCodeAt(start + i) | 0x20) !== (word.charCodeAt(i) | 0x20)) return false;
  }
  return true;
}

function octets(single: string, ...ranges: readonly (readonly [number, number])[]): OctetClass {
  const octetClass = new Uint8Array(256);
  for (const character of single) octetClass[character.charCodeAt(0)] = 1;
  for (const [first, last] of ranges) octetClass.fill(1, first, last + 1);
  return octetClass;
}

/**
 * A text of latin1 characters in memory of its own and in one piece: what was cut out of a longer one
 * keeps all of that, and what was put together is put together anew by whoever writes it.
 */
export function copyOf(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
