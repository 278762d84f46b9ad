import type { ForkOptions } from 'node:child_process';
import type { Environment } from '../config.ts';

/**
 * Has glibc map pieces of 64 KiB and more by themselves, so that what a crowd of slow clients made a worker
 * keep is given back when they are gone: between smaller pieces that last it would not be. Answers of 100 KiB
 * cost no more by it (from 32 KiB on they did, 4 %). The bound is far below what a process may map
 * (`vm.max_map_count`). Other C libraries know neither.
 */
const MEMORY: Environment = { MALLOC_MMAP_THRESHOLD_: '65536', MALLOC_MMAP_MAX_: '16384' };

/**
 * What workers are started with. V8 puts all objects of a place in the code into the old generation from their
 * first on, if a hundred of them outlive an early collection. Those that tell of answers do, as they are
 * counted in batches: each of them would wait there for a collection of the whole heap, with all that it
 * refers to, and cost a request over plain HTTP 5 %.
 */
export const WORKER_FLAGS = ['--no-allocation-site-pretenuring', ...process.execArgv];

/**
 * A worker runs through most of Node's code, 40 MiB of it, and where that lies in pages of 4 KiB the processor often
 * looks up where a page is. In pages of 2 MiB, where the kernel gives them (`madvise` or `always` in
 * /sys/kernel/mm/transparent_hugepage/enabled), a request costs 2 to 4 % less, a handshake and a
 * session 5 %. It is a copy, which each worker has for itself. Node may give this flag up
 * (https://github.com/nodejs/node/issues/64408), and does not start with one that it does not know.
 */
const LARGE_PAGES = '--use-largepages=silent';

/**
 * How the process of a worker is started, with `env` as its environment; that of this process, as it is, where
 * undefined. What the operator says there of the same is heeded.
 */
export function runtimeOf(env: Environment | undefined): Pick<ForkOptions, 'execArgv' | 'env'> {
  if (env === undefined) return { execArgv: WORKER_FLAGS };
  const settings: NodeJS.ProcessEnv = { ...MEMORY, ...env };
  if (process.allowedNodeEnvironmentFlags.has(LARGE_PAGES)) {
    // Of two that say the same Node takes the later one.
    settings.NODE_OPTIONS = `${LARGE_PAGES} ${env.NODE_OPTIONS ?? ''}`;
  }
  return { execArgv: WORKER_FLAGS, env: settings };
}
