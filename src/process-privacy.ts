import { writeFileSync } from 'node:fs';

/**
 * Keeps what this process and those that it starts have in memory, private keys above all, from others:
 * - no memory goes into a core dump, whoever takes it: programs that `kernel.core_pattern` names are handed
 *   one even where the limit of its size is 0. What is left is the registers of each thread. Who needs more,
 *   to look into a crash, writes to `/proc/PID/coredump_filter`;
 * - SIGUSR1 starts no debugger, which would listen for all users of this host. `--disable-sigusr1` does that
 *   from the first moment on, where Node is told so; workers inherit that.
 */
export function keepMemoryPrivate(): void {
  ignoreDebugSignal();
  try {
    writeFileSync('/proc/self/coredump_filter', '0');
  } catch {
    // No Linux, or a process that is dumped by nobody, whose /proc is root's.
  }
}

/** Has SIGUSR1 do nothing in this process. */
export function ignoreDebugSignal(): void {
  process.on('SIGUSR1', () => {});
}
