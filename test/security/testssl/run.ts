import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { versionLine } from '../../conformance/peers/daemon.ts';
import { Cleanup } from '../../support/cleanup.ts';
import { EXIT, runEntry, UsageError } from '../../support/entry.ts';
import { chosen } from '../../support/option-values.ts';
import { writePlaced } from '../placed.ts';
import { makeCredentials } from './authority.ts';
import { isAtFault, listed, type Result, table } from './report.ts';
import { scan, testsslVersion } from './scan.ts';
import { SUBJECTS, type SubjectName, startSubjects } from './subjects.ts';

const USAGE = `Usage: npm run testssl [-- OPTION …]

Has testssl.sh examine what Dashgate offers with its default settings, beside HAProxy, and compares it
with Mozilla's intermediate profile. Fails where Dashgate has a finding above LOW that \`accepted.ts\`
does not explain, or offers something else than the profile.

  --only NAMES  only these: ${SUBJECTS.join(', ')}
  --json FILE   write all findings
  --write FILE  write the table into this file, in place of the one that is there (SECURITY.md)
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      json: { type: 'string' },
      write: { type: 'string' },
    },
  });
  const known = SUBJECTS.map((name) => ({ name }));
  const subjects = chosen('only', values.only, known).map(({ name }) => name);
  if (values.write && subjects.length < SUBJECTS.length) {
    throw new UsageError('--write wants all subjects, which are one table');
  }
  const results = await scanAll(subjects);
  process.stdout.write(`${listed(results)}\n\n`);
  const text = table(results, `${testsslVersion()}; ${versionLine('haproxy', '-v')}`);
  process.stdout.write(`${text}\n`);
  if (values.json) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
  if (values.write) writePlaced(values.write, 'testssl', text);
  const faults = results.filter(isAtFault).map(({ subject }) => subject);
  if (faults.length > 0) process.stderr.write(`not as it has to be: ${faults.join(', ')}\n`);
  return faults.length > 0 ? EXIT.failure : EXIT.ok;
}

async function scanAll(subjects: readonly SubjectName[]): Promise<Result[]> {
  const cleanup = new Cleanup();
  const folder = mkdtempSync(join(tmpdir(), 'dashgate-testssl-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const results: Result[] = [];
  try {
    const credentials = makeCredentials(folder);
    const addresses = await startSubjects(cleanup, credentials, folder);
    for (const subject of subjects) {
      process.stderr.write(`${subject}: ${addresses[subject]}\n`);
      const findings = await scan(addresses[subject], subject, { root: credentials.root, folder });
      results.push({ subject, findings });
    }
  } finally {
    await cleanup.run();
  }
  return results;
}

await runEntry('testssl', USAGE, main);
