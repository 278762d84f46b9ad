#!/usr/bin/env node
/**
 * Builds the packages: `npm run package [-- OPTION…]`. The same sources give the same bytes, wherever and
 * by whom they are built.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../../src/errors.ts';
import { buildDeb } from './deb.ts';
import { outputOf } from './program.ts';
import type { Release } from './release.ts';
import { buildRpm } from './rpm.ts';
import { makeTree } from './tree.ts';

const ROOT = resolve(import.meta.dirname, '../..');

const USAGE = `Usage: npm run package -- [--output FOLDER] [--version VERSION] [--only deb|rpm] [--quick]

  --output FOLDER    where the packages go, in place of dist/
  --version VERSION  in place of that of package.json
  --only deb|rpm     one of them alone
  --quick            compressed in little time, for tests; larger
`;

function main(): void {
  const { values } = parseArgs({
    options: {
      output: { type: 'string', default: join(ROOT, 'dist') },
      version: { type: 'string' },
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  if (values.only !== undefined && !['deb', 'rpm'].includes(values.only)) {
    throw new Error(`--only ${values.only} is neither deb nor rpm`);
  }
  const output = resolve(values.output);
  mkdirSync(output, { recursive: true });
  const staging = mkdtempSync(join(tmpdir(), 'dashgate-package-'));
  process.once('exit', () => rmSync(staging, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => process.exit(1));
  }
  const release = releaseOf(values.version);
  const tree = join(staging, 'tree');
  makeTree(ROOT, tree, release);
  const parts = { root: ROOT, tree, staging, output, release, quick: values.quick };
  if (values.only !== 'rpm') process.stdout.write(`${buildDeb(parts)}\n`);
  if (values.only !== 'deb') process.stdout.write(`${buildRpm(parts)}\n`);
}

/** What is released: the version of package.json, at the time of the last commit. */
function releaseOf(given: string | undefined): Release {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const epoch = process.env.SOURCE_DATE_EPOCH || timeOfCommit();
  if (!/^\d+\s*$/.test(epoch)) throw new Error(`SOURCE_DATE_EPOCH=${epoch} is not a time`);
  return { version: given ?? version, epoch: Number(epoch) };
}

function timeOfCommit(): string {
  try {
    return outputOf('git', ['log', '-1', '--format=%ct'], ROOT);
  } catch (error) {
    throw new Error(
      `${messageOf(error)}; without git, set SOURCE_DATE_EPOCH to the time of the release`,
    );
  }
}

try {
  main();
} catch (error) {
  process.stderr.write(`package: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
