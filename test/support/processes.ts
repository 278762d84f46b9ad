import { readdirSync, readFileSync } from 'node:fs';

/** One process of this host, as /proc shows it. */
export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  readonly command: readonly string[];
  readonly env: readonly string[];
}

/** Every process below `ancestor` in the tree, zombies left out. */
export function descendants(ancestor: number): ProcessInfo[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap(readProcess);
  const found: ProcessInfo[] = [];
  let parents = new Set([ancestor]);
  while (parents.size > 0) {
    const children = all.filter(({ parent }) => parents.has(parent));
    found.push(...children);
    parents = new Set(children.map(({ pid }) => pid));
  }
  return found;
}

/** Whether a process runs; a zombie does not. */
export function isRunning(pid: number): boolean {
  return readProcess(String(pid)).length > 0;
}

function readProcess(pid: string): ProcessInfo[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state === 'Z') return [];
    const list = (name: string) => readFileSync(`/proc/${pid}/${name}`, 'latin1').split('\0');
    return [
      { pid: Number(pid), parent: Number(parent), command: list('cmdline'), env: list('environ') },
    ];
  } catch {
    // It ended while it was looked at, or belongs to somebody else.
    return [];
  }
}
