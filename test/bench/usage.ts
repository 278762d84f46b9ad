import { readdirSync, readFileSync } from 'node:fs';
import { descendants } from '../support/processes.ts';

/**
 * CPU time that some processes and all below them have used, in ns, as the scheduler counts it for
 * each thread (/proc/PID/task/TID/schedstat): exact, where /proc/PID/stat counts in ticks of 10 ms.
 * @throws Error where a process is gone or the kernel does not count.
 */
export function cpuNanoseconds(roots: readonly number[]): number {
  let sum = 0;
  for (const pid of treesOf(roots)) {
    sum += threadNanoseconds(`/proc/${pid}/task`);
  }
  return sum;
}

/**
 * Memory of some processes and all below them, in KiB: PSS, which counts a page that several
 * processes share once in all (proc_pid_smaps(5)). The kernel's socket buffers are not in it.
 */
export function memoryKiB(roots: readonly number[]): number {
  let sum = 0;
  for (const pid of treesOf(roots)) {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
    sum += Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1] ?? Number.NaN);
  }
  return sum;
}

function treesOf(roots: readonly number[]): number[] {
  return roots.flatMap((root) => [root, ...descendants(root).map(({ pid }) => pid)]);
}

function threadNanoseconds(folder: string): number {
  try {
    let sum = 0;
    for (const thread of readdirSync(folder)) {
      sum += Number(readFileSync(`${folder}/${thread}/schedstat`, 'latin1').split(' ', 1)[0]);
    }
    return sum;
  } catch (error) {
    throw new Error(
      `${folder} cannot be read: the process has ended, or this kernel is built without CONFIG_SCHED_INFO (Debian's has it)`,
      { cause: error },
    );
  }
}

/**
 * Time that a core was busy since the host started, in ns, whoever used it; the hypervisor's other
 * guests as well (proc_stat(5)). Undefined for no core of one's own.
 */
export function coreNanoseconds(core: number | undefined): number | undefined {
  const line = new RegExp(`^cpu${core} (.*)$`, 'm').exec(readFileSync('/proc/stat', 'latin1'))?.[1];
  if (line === undefined) return undefined;
  const [user, nice, system, _idle, _iowait, irq, softirq, steal] = line.split(' ').map(Number);
  return (
    [user, nice, system, irq, softirq, steal].reduce<number>((sum, n) => sum + (n ?? 0), 0) *
    TICK_NS
  );
}

const TICK_NS = 10_000_000;
