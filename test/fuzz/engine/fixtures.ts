import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Corpus } from './corpus.ts';

const FOLDER = join(import.meta.dirname, '../../../fixtures/fuzz');
const SEEDS = 'seeds.jsonl';
const CRASHER = /^[0-9a-f]{12}\.bin$/;
/** Longer ones fill the repository and mutate no better. */
const MAX_SEED_BYTES = 200;
const MOST_SEEDS = 40;

/** The inputs that earlier hunts found to have outcomes of their own: a line of JSON, latin1, for each. */
export function readSeeds(target: string): Buffer[] {
  const path = join(FOLDER, target, SEEDS);
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
  return lines.filter(Boolean).map((line) => Buffer.from(JSON.parse(line) as string, 'latin1'));
}

/**
 * Keeps some inputs of a corpus as seeds, those that a hunt was not given: from the first that it came to
 * to the last, which were the hardest to come to. How many.
 */
export function writeSeeds(target: string, corpus: Corpus, given: readonly Buffer[]): number {
  const known = new Set(given.map(textOf));
  const inputs = corpus.specimens.map(({ input }) => input);
  const fresh = inputs.filter(
    (input) => input.length > 0 && input.length <= MAX_SEED_BYTES && !known.has(textOf(input)),
  );
  const stride = Math.max(1, fresh.length / MOST_SEEDS);
  const count = Math.min(fresh.length, MOST_SEEDS);
  const kept = Array.from({ length: count }, (_, n) => fresh[Math.floor(n * stride)]!);
  const lines = kept.map((input) => `${JSON.stringify(textOf(input))}\n`);
  write(target, SEEDS, Buffer.from(lines.join('')));
  return count;
}

function textOf(input: Buffer): string {
  return input.toString('latin1');
}

/** The inputs in which something was found, by the names of their files. */
export function readCrashers(target: string): Map<string, Buffer> {
  const folder = join(FOLDER, target);
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  const crashers = names.filter((name) => CRASHER.test(name));
  return new Map(crashers.map((name) => [name, readFileSync(join(folder, name))]));
}

/** Keeps an input in which something was found; the path of its file. */
export function writeCrasher(target: string, input: Buffer): string {
  const name = createHash('sha256').update(input).digest('hex').slice(0, 12);
  return write(target, `${name}.bin`, input);
}

function write(target: string, name: string, bytes: Buffer): string {
  mkdirSync(join(FOLDER, target), { recursive: true });
  writeFileSync(join(FOLDER, target, name), bytes);
  return join('fixtures/fuzz', target, name);
}
