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
    .flatMap(readPlace);
  const found: Place[] = [];
  let parents = new Set([ancestor]);
  while (parents.size > 0) {
    const children = all.filter(({ parent }) => parents.has(parent));
    found.push(...children);
    parents = new Set(children.map(({ pid }) => pid));
  }
  return found.flatMap(readProcess);
}

/** Whether a process runs; a zombie does not. One that is about to end has no memory to read any more. */
export function isRunning(pid: number): boolean {
  return readPlace(String(pid)).length > 0;
}

type Place = Pick<ProcessInfo, 'pid' | 'parent'>;

/** Where a process is in the tree. */
function readPlace(pid: string): Place[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? [] : [{ pid: Number(pid), parent: Number(parent) }];
  } catch {
    // It ended while it was looked at.
    return [];
  }
}

function readProcess(place: Place): ProcessInfo[] {
  try {
    const list = (name: string) => readFileSync(`/proc/${place.pid}/${name}`, 'latin1').split('\0');
    return [{ ...place, command: list('cmdline'), env: list('environ') }];
  } catch {
    // It ended while it was looked at, or belongs to somebody else.
    return [];
  }
}
