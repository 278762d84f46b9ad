import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The severities of testssl.sh; WARN is of an examination that could not be made. */
export const SEVERITIES = [
  'OK',
  'INFO',
  'LOW',
  'MEDIUM',
  'HIGH',
  'CRITICAL',
  'WARN',
  'FATAL',
] as const;
export type Severity = (typeof SEVERITIES)[number];

export interface Finding {
  readonly id: string;
  readonly severity: Severity;
  readonly finding: string;
}

/** Protocols, kinds of ciphers, key agreement, order, certificates, header fields, all known attacks. */
const CHECKS = ['-p', '-s', '-f', '-P', '-S', '-h', '-U'];

/** It starts thousands of processes: two minutes on a quiet host, several on a busy one. */
const LONGEST_MS = 900_000;

/**
 * Has testssl.sh examine an address. It asks no name server and fetches nothing.
 * @throws Error where it could not be run to its end.
 */
export async function scan(
  url: string,
  name: string,
  { root, folder }: { readonly root: string; readonly folder: string },
): Promise<Finding[]> {
  const file = join(folder, `${name}.json`);
  const child = spawn(
    'testssl',
    [
      ...['--quiet', '--color', '0', '--warnings', 'off', '--nodns', 'none', '--ip', '127.0.0.1'],
      ...['--add-ca', root, '--jsonfile', file, ...CHECKS, url],
    ],
    // Where it is started in a checkout, it takes that for its own.
    { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], timeout: LONGEST_MS },
  );
  let said = '';
  const hear = (chunk: Buffer) => {
    said = `${said}${chunk}`.slice(-2_000);
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const end = () => child.kill();
  process.once('exit', end);
  await once(child, 'close');
  process.off('exit', end);
  const findings = JSON.parse(readFileSync(file, 'utf8')) as Finding[];
  const time = findings.find(({ id }) => id === 'scanTime');
  if (time === undefined || time.severity === 'WARN') {
    throw new Error(`testssl.sh was interrupted at ${url}; the last that it said:\n${said}`);
  }
  return findings;
}

/** Its version, and that of the OpenSSL that it uses. */
export function testsslVersion(): string {
  const { stdout, error } = spawnSync('testssl', ['--version', '--color', '0'], {
    encoding: 'utf8',
    cwd: '/',
  });
  if (error) {
    throw new Error('testssl cannot be run; remedy: sh test/support/debian-packages.sh testssl', {
      cause: error,
    });
  }
  return `testssl.sh ${/testssl(?:\.sh)?\s+(\d[\w.]*)/.exec(stdout)?.[1]}`;
}
