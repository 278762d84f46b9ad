import { availableParallelism } from 'node:os';
import { type Config, leastMaxconn } from '../config.ts';

/** How many workers serve clients; 0: none, for the data plane is in the process of the control plane. */
export function workersOf(config: Config): number {
  const { WORKERS: workers } = config;
  return workers === 'auto' ? Math.min(availableParallelism(), leastMaxconn(config)) : workers;
}
