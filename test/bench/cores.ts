import { readFileSync } from 'node:fs';

/** A core, or several as taskset takes them (`0,1`); undefined leaves that to the kernel. */
export type Pinning = number | string | undefined;

/** Which processor core does what; undefined: wherever the kernel puts it. */
export interface Cores {
  /** The proxies that are measured. */
  readonly proxy: number | undefined;
  /** Everything else: load generators, origins and the bench itself. */
  readonly load: number | undefined;
}

/**
 * Gives the proxies a core of their own, so that the load does not take their time and leaves
 * their caches alone. With one core there is nothing to give, and the ratios are rougher.
 */
export function shareCores(): Cores {
  const [proxy, load] = allowedCores();
  return load === undefined ? { proxy: undefined, load: undefined } : { proxy, load };
}

/**
 * The cores of so many workers, each with a load and origins of its own beside it: what a second
 * worker brings is seen where everything else is twice there as well.
 * @throws Error on a host of fewer cores.
 */
export function sharedCores({ proxy, load }: Cores, workers: number): readonly number[] {
  const cores = [proxy, load].filter((core) => core !== undefined);
  if (workers > cores.length) throw new Error(`${workers} workers want ${workers} cores`);
  return cores.slice(0, workers);
}

/** The cores that this process may use, of proc_pid_status(5): `0-1,4`. */
function allowedCores(): number[] {
  const status = readFileSync('/proc/self/status', 'latin1');
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? '0';
  return list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}
