import { crc32 } from 'node:zlib';
import { Corpus } from './corpus.ts';
import { Dice } from './dice.ts';
import { minimise } from './minimise.ts';
import { type Material, mutate } from './mutations.ts';
import { DEFAULT_MAX_BYTES, Finding, type Subject, type Target } from './target.ts';

export interface HuntOptions {
  readonly seed: number;
  /** CPU time of this thread after which it ends. */
  readonly seconds: number;
  /** Inputs after which it ends. */
  readonly runs: number;
  /** Inputs that are tried first, and mutated. */
  readonly inputs: readonly Buffer[];
  /** Is told each input before it is tried. */
  readonly onInput?: (input: Buffer) => void;
}

/** An input, made small, and what is wrong with what came of it. */
export interface Found {
  readonly what: string;
  readonly message: string;
  readonly input: Buffer;
}

export interface HuntReport {
  readonly runs: number;
  readonly cpuSeconds: number;
  readonly corpus: Corpus;
  readonly found: readonly Found[];
}

/** A hunt that finds so many different things has found enough. */
const MOST_FOUND = 10;
/** What no input may take, in ms of CPU time; they take some ten thousandths of a second. */
const LONGEST_CHECK_MS = 1000;

/**
 * Tries inputs on a subject until it has had its time: first those that are given, then what becomes of them, and of
 * all inputs with new outcomes, by mutation or grammar.
 */
export async function hunt(
  target: Target,
  subject: Subject,
  options: HuntOptions,
): Promise<HuntReport> {
  const { inputs, onInput } = options;
  const dice = new Dice(options.seed);
  const corpus = new Corpus();
  const found = new Map<string, Found>();
  const started = process.threadCpuUsage();
  const cpuSeconds = () => seconds(process.threadCpuUsage(started));
  const material: Material = {
    dictionary: target.dictionary.map((word) => Buffer.from(word, 'latin1')),
    other: () => corpus.pick(dice),
    maxBytes: target.maxBytes ?? DEFAULT_MAX_BYTES,
  };
  let runs = 0;
  const run = async (input: Buffer) => {
    runs += 1;
    onInput?.(input);
    const failure = await tried(subject, input, (outcome) => corpus.offer(outcome, input));
    if (!failure || found.has(whatOf(failure))) return;
    const what = whatOf(failure);
    const smallest = await minimise(input, async (candidate) => {
      onInput?.(candidate);
      const again = await tried(subject, candidate);
      return again !== undefined && whatOf(again) === what;
    });
    const { message } = (await tried(subject, smallest)) ?? failure;
    found.set(what, { what, message, input: smallest });
  };
  corpus.offer('', Buffer.alloc(0));
  for (const input of inputs) await run(input);
  while (runs < options.runs && found.size < MOST_FOUND && cpuSeconds() < options.seconds) {
    const made = target.generate && dice.chance(0.5) ? target.generate(dice) : corpus.pick(dice);
    const asMade = target.generate !== undefined && dice.chance(0.3);
    await run(asMade ? made.subarray(0, material.maxBytes) : mutate(made, dice, material));
  }
  return { runs, cpuSeconds: cpuSeconds(), corpus, found: [...found.values()] };
}

/** What a subject makes of an input; undefined where that is in order. */
export async function tried(
  subject: Subject,
  input: Buffer,
  onOutcome?: (outcome: string) => void,
): Promise<Error | undefined> {
  const before = process.threadCpuUsage();
  try {
    // The subject gets a copy of its own: whoever reads beyond it, or changes it, is found out.
    const checked = subject.check(Buffer.from(input), new Dice(crc32(input)));
    const outcome = typeof checked === 'string' ? checked : await checked;
    const ms = 1000 * seconds(process.threadCpuUsage(before));
    if (ms > LONGEST_CHECK_MS) throw new Finding('took too long', `${Math.round(ms)} ms`);
    onOutcome?.(outcome);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** What makes two findings one. */
function whatOf(error: Error): string {
  if (error instanceof Finding) return error.what;
  const place = /^ +at .*$/m.exec(error.stack ?? '')?.[0].trim() ?? '';
  return `${error.name} ${place}`;
}

function seconds({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1e6;
}
