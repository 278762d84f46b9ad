import type { Dice } from './dice.ts';

/**
 * What is wrong with what a target did. Findings of one `what` are one finding: it names the rule that
 * was broken, and the message adds how.
 */
export class Finding extends Error {
  override readonly name = 'Finding';
  readonly what: string;

  constructor(what: string, details = '') {
    super(details === '' ? what : `${what}: ${details}`);
    this.what = what;
  }
}

/** What is tried with hostile input. */
export interface Target {
  /** What its outcomes are compared with, in a few words for people. */
  readonly oracle: string;
  /** Words of the language that it reads; they are put into inputs as a whole. */
  readonly dictionary: readonly string[];
  /** Where mutations start from, besides the seeds in fixtures; latin1. */
  readonly seeds: readonly string[];
  /** Longest input, in bytes; 4 KiB unless told. */
  readonly maxBytes?: number;
  /** Makes an input by the grammar of its language; half of all inputs, if given. */
  readonly generate?: (dice: Dice) => Buffer;
  open(): Subject | Promise<Subject>;
}

/** A target that is ready to be tried. */
export interface Subject {
  /** Processes that it started, to be ended with the thread that it runs in. */
  readonly pids?: readonly number[];
  /**
   * Tries one input. What comes of it is a word or two; an input that makes new ones of them is worth
   * mutating. The dice are those of the input: the same input fares the same way each time.
   * @throws Finding, or whatever the target should not have thrown
   */
  check(input: Buffer, dice: Dice): string | Promise<string>;
  close?(): void | Promise<void>;
}

export const DEFAULT_MAX_BYTES = 4096;
