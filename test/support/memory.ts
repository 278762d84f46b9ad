import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
/** Lets go of what nobody holds, at once. */
export const collectGarbage: () => void = runInNewContext('gc');

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
