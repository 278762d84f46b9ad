import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
// To hand it `undefined` is to ask for a minor one.
const gc: (options: { type: 'major' | 'minor' }) => void = runInNewContext('gc');

/** Lets go of what nobody holds, at once; with `minor` only of what is new. */
export function collectGarbage(type: 'major' | 'minor' = 'major'): void {
  gc({ type });
}

/**
 * What is held in memory, once what is not has been let go. The bytes of buffers are freed by another
 * thread after a collection, and the next one begins by waiting for it.
 */
export function heldBytes(): number {
  collectGarbage();
  collectGarbage();
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return arrayBuffers + heapUsed;
}
