/** In which ways a reader is laxer than, or other than, RFC 9112 has it. */
export interface Dials {
  /** What ends a line: CR LF alone, any LF, or a CR alone too. */
  readonly lineEnd: 'crlf' | 'lf' | 'cr';
  /** A NUL is a character, ends the line's text, or is skipped. */
  readonly nul: 'keep' | 'cut' | 'drop';
  /** What is no token in a field name or around a value stays, or is taken off. */
  readonly names: 'keep' | 'trim';
  /** A line that begins with a blank goes on the one before, is one of its own, or is skipped. */
  readonly fold: 'join' | 'line' | 'drop';
  /** `_` in a field name stands for `-`. */
  readonly underscores: boolean;
  /** Which framing counts where there are both. */
  readonly both: 'chunked' | 'length';
  /** Which of repeated or listed values counts. */
  readonly repeated: 'first' | 'last';
  /** How a Content-Length is turned into a number. */
  readonly length: Digits;
  /** How a chunk size is. */
  readonly size: Digits;
  /**
   * What makes a body chunked: the last coding, the word anywhere in the value, the first coding,
   * or exactly this value in this letter case and nothing else.
   */
  readonly coding: 'last' | 'anywhere' | 'first' | 'exact';
  /** Chunks do not count in HTTP/1.0. */
  readonly noChunksIn10: boolean;
  /** After the bytes of a chunk: a line end, any two bytes, or a line end that may be missing. */
  readonly chunkEnd: 'line' | 'two' | 'optional';
  /** Which authority counts where the target has one as well. */
  readonly authority: 'target' | 'host';
  /** A request line without a version is a whole request. */
  readonly http09: boolean;
  /** 1xx and 204 have the body that they announce. */
  readonly bodies: boolean;
}

/**
 * Digits alone; those at the beginning; as C's strtol reads them (blanks, sign, 0x, 0 for octal);
 * digits alone, of which 32 or 64 bits are kept.
 */
export type Digits = 'strict' | 'prefix' | 'c' | 'wrap32' | 'wrap64';

/** RFC 9112 in what frames a message, and tolerant in all that does not. */
const TOLERANT: Dials = {
  lineEnd: 'crlf',
  nul: 'keep',
  names: 'keep',
  fold: 'join',
  underscores: false,
  both: 'chunked',
  repeated: 'first',
  length: 'strict',
  size: 'strict',
  coding: 'last',
  noChunksIn10: false,
  chunkEnd: 'line',
  authority: 'target',
  http09: false,
  bodies: false,
};

const SLOPPY: Dials = {
  ...TOLERANT,
  lineEnd: 'lf',
  names: 'trim',
  length: 'c',
  size: 'c',
  coding: 'anywhere',
  chunkEnd: 'two',
};

/** Readers that have been met, one laxity each, and two that have most of them. */
export const READERS: Readonly<Record<string, Dials>> = {
  'tolerant of what frames nothing': TOLERANT,
  'LF ends a line': { ...TOLERANT, lineEnd: 'lf' },
  'CR ends a line': { ...TOLERANT, lineEnd: 'cr' },
  'NUL ends a text': { ...TOLERANT, nul: 'cut' },
  'NUL is skipped': { ...TOLERANT, nul: 'drop' },
  'names are trimmed': { ...TOLERANT, names: 'trim' },
  'a folded line is a field': { ...TOLERANT, fold: 'line' },
  'a folded line is skipped': { ...TOLERANT, fold: 'drop' },
  'a folded line is a field, names are trimmed': { ...TOLERANT, fold: 'line', names: 'trim' },
  '_ is -': { ...TOLERANT, underscores: true },
  'the length counts more than chunks': { ...TOLERANT, both: 'length' },
  'the last of repeated fields counts': { ...TOLERANT, repeated: 'last' },
  'lengths are read up to what is no digit': { ...TOLERANT, length: 'prefix' },
  'lengths are read as strtol does': { ...TOLERANT, length: 'c' },
  // Not 32: images of more than 4 GiB are uploaded, and nobody can do so to such a backend.
  'lengths have 64 bits': { ...TOLERANT, length: 'wrap64' },
  'chunked anywhere': { ...TOLERANT, coding: 'anywhere' },
  'chunked first': { ...TOLERANT, coding: 'first' },
  'chunked exactly, else ignored': { ...TOLERANT, coding: 'exact' },
  'chunked anywhere, but lengths count more': { ...TOLERANT, coding: 'anywhere', both: 'length' },
  'no chunks in HTTP/1.0': { ...TOLERANT, noChunksIn10: true },
  'sizes are read up to what is no digit': { ...TOLERANT, size: 'prefix' },
  'sizes are read as strtol does': { ...TOLERANT, size: 'c' },
  'sizes have 32 bits': { ...TOLERANT, size: 'wrap32' },
  'sizes have 64 bits': { ...TOLERANT, size: 'wrap64' },
  'two bytes end a chunk, whichever': { ...TOLERANT, chunkEnd: 'two' },
  'nothing need end a chunk': { ...TOLERANT, chunkEnd: 'optional' },
  'Host counts more than the target': { ...TOLERANT, authority: 'host' },
  'HTTP/0.9': { ...TOLERANT, http09: true },
  '1xx and 204 have bodies': { ...TOLERANT, bodies: true },
  'sloppy, for chunks': SLOPPY,
  'sloppy, for lengths': { ...SLOPPY, both: 'length', repeated: 'last' },
};
