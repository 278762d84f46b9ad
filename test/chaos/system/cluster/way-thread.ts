/** The thread of one way (`way.ts`): tells its port, then does what it is told. */
import { parentPort, workerData } from 'node:worker_threads';
import { startCutProxy } from '../../../support/cut-proxy.ts';
import type { Trouble } from './way.ts';

// It ends with its thread.
const way = await startCutProxy({ after() {} }, workerData as number);
parentPort!.on('message', (trouble: Trouble) => {
  if (typeof trouble === 'number') way.slow(trouble);
  else way[trouble]();
});
parentPort!.postMessage(way.port);
