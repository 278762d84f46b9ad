import { setTimeout as delay } from 'node:timers/promises';

/**
 * Resolves when `condition` holds; rejects after `timeoutMs` with `what` was waited for. For what
 * has no event of its own.
 */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 10_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain until ${what}`);
    await delay(10);
  }
}
