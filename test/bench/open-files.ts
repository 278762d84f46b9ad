import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { PATH_WITH_SERVERS } from '../support/children.ts';

const WANTED = 65_536;
const SPARE = 1_000;

/**
 * Raises the limit of open files of this process and its children as far as it is allowed to, and
 * gives it. Each tunnel takes two of them in a proxy.
 * @throws Error where that is too little for `tunnels` open at once in one process.
 */
export function raiseOpenFiles(tunnels: number): number {
  for (const limit of [`${WANTED}:${WANTED}`, `${hardLimit()}:${hardLimit()}`]) {
    try {
      execFileSync('prlimit', ['--pid', String(process.pid), `--nofile=${limit}`], {
        env: { PATH: PATH_WITH_SERVERS },
        stdio: 'ignore',
        timeout: 5_000,
      });
      break;
    } catch {
      // More than root allowed this user; the next, its hard limit, is always granted.
    }
  }
  const limit = hardLimit();
  const needed = 2 * tunnels + SPARE;
  if (limit >= needed) return limit;
  throw new Error(
    `the benchmark needs ${needed} open files and may have ${limit}; raise the limit (ulimit -Hn ${needed}) or leave out loads with --only`,
  );
}

function hardLimit(): number {
  const limits = readFileSync('/proc/self/limits', 'latin1');
  return Number(/^Max open files\s+\d+\s+(\d+)/m.exec(limits)?.[1]);
}
