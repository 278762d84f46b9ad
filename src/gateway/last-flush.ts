/**
 * What is written before this process ends. One listener does it for all data planes, of which a process
 * that reloads has many while they drain: Node takes more than ten listeners for a leak, and says so.
 */
const flushes = new Set<() => void>();

/** Has `flush` called when the process ends, before listeners that are there already. */
export function flushAtExit(flush: () => void): void {
  if (flushes.size === 0) process.prependListener('exit', flushAll);
  flushes.add(flush);
}

/** It need not be called any more. */
export function forgetFlush(flush: () => void): void {
  flushes.delete(flush);
  if (flushes.size === 0) process.off('exit', flushAll);
}

function flushAll(): void {
  for (const flush of flushes) flush();
}
