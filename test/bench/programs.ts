import { spawnSync } from 'node:child_process';
import { PATH_WITH_SERVERS } from '../support/children.ts';

/** How each program tells its version, and the Debian package that has it. */
const PROGRAMS: Readonly<Record<string, { ask: string; package: string }>> = {
  nginx: { ask: '-v', package: 'nginx-light' },
  haproxy: { ask: '-v', package: 'haproxy' },
  hitch: { ask: '--version', package: 'hitch' },
  wrk: { ask: '-v', package: 'wrk' },
  memcached: { ask: '--version', package: 'memcached' },
  slowhttptest: { ask: '-h', package: 'slowhttptest' },
  taskset: { ask: '--version', package: 'util-linux' },
  setpriv: { ask: '--version', package: 'util-linux' },
};

/** What the bench runs on, whatever is measured. */
const ALWAYS = ['memcached', 'taskset', 'setpriv'];

/**
 * The versions of these programs, and of those that every run needs.
 * @throws Error that lists what is missing, with the remedy.
 */
export function programVersions(programs: readonly string[]): Record<string, string> {
  const names = new Set([...ALWAYS, ...programs]);
  const versions: Record<string, string> = {};
  const missing: string[] = [];
  for (const name of names) {
    const { ask, package: debian } = PROGRAMS[name]!;
    const { stdout, stderr, error } = spawnSync(name, [ask], {
      env: { PATH: PATH_WITH_SERVERS },
      encoding: 'utf8',
      timeout: 5_000,
    });
    const version = /\d+\.\d+[\w.-]*/.exec(`${stdout}${stderr}`)?.[0];
    if (error || version === undefined) missing.push(`${name} (package ${debian})`);
    else versions[name] = version;
  }
  if (missing.length === 0) return versions;
  throw new Error(
    `the benchmark needs ${missing.join(', ')}; run: sh test/support/debian-packages.sh bench`,
  );
}
