import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { versionLine } from '../../conformance/peers/daemon.ts';
import { Cleanup } from '../../support/cleanup.ts';
import { placed } from '../placed.ts';
import { makeCredentials } from './authority.ts';
import { isAtFault, listed, type Result, table } from './report.ts';
import { scan, testsslVersion } from './scan.ts';
import { SUBJECTS, startSubjects } from './subjects.ts';

/**
 * Has testssl.sh examine what Dashgate offers with its default settings, beside HAProxy, and compares it with
 * Mozilla's intermediate profile. Fails where Dashgate has a finding above LOW that `accepted.ts` does not
 * explain, or offers something else than the profile.
 */
const { values } = parseArgs({
  options: {
    only: { type: 'string', default: SUBJECTS.join() },
    json: { type: 'string' },
    write: { type: 'string' },
  },
});
const asked = values.only.split(',');
const subjects = SUBJECTS.filter((name) => asked.includes(name));
if (subjects.length !== asked.length || (values.write && subjects.length < SUBJECTS.length)) {
  process.stderr.write(
    `usage: run.ts [--only ${SUBJECTS.join()}] [--json FILE] [--write SECURITY.md, of all of them]\n`,
  );
  process.exit(2);
}

const cleanup = new Cleanup();
const folder = mkdtempSync(join(tmpdir(), 'dashgate-testssl-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const version = `${testsslVersion()}; ${versionLine('haproxy', '-v')}`;
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
process.stdout.write(`${listed(results)}\n\n`);
const text = table(results, version);
process.stdout.write(`${text}\n`);
if (values.json) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
if (values.write) {
  writeFileSync(values.write, placed('testssl', readFileSync(values.write, 'utf8'), text));
}
const faults = results.filter(isAtFault).map(({ subject }) => subject);
if (faults.length > 0) process.stderr.write(`not as it has to be: ${faults.join(', ')}\n`);

process.exit(faults.length > 0 ? 1 : 0);
