import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from './cluster.ts';

/** Something that happens to one memcached node of three. */
export interface Fault {
  readonly name: string;
  /** The network fails, not the node. */
  readonly network?: true;
  /** As the table has it; `seconds` is how long it lasts. */
  title(seconds: number): string;
  /** Happens to the first node; resolves when it is over, or has lasted long enough. */
  happen(cluster: Cluster, ms: number): Promise<void>;
}

/** How long a supervisor takes to start a node that has died, in ms. */
const RESTART_MS = 3_000;

export const FAULTS: readonly Fault[] = [
  {
    name: 'killed',
    title: () => 'killed (SIGKILL), for good',
    async happen({ node }, ms) {
      await node.kill();
      await delay(ms);
    },
  },
  {
    name: 'restarted',
    title: () => 'killed, back empty after 3 s',
    async happen(cluster, ms) {
      await cluster.node.kill();
      await delay(RESTART_MS);
      await cluster.restart();
      await delay(Math.max(0, ms - RESTART_MS));
    },
  },
  {
    name: 'paused',
    title: (seconds) => `stands still (SIGSTOP) for ${seconds} s`,
    async happen({ node }, ms) {
      await node.pause();
      await delay(ms);
      node.resume();
    },
  },
  {
    name: 'cut-off',
    network: true,
    title: () => 'cut off: what is sent to it vanishes',
    async happen({ way }, ms) {
      way.cut();
      await delay(ms);
    },
  },
  {
    name: 'stale',
    network: true,
    title: (seconds) => `cut off for ${seconds} s, back with what it had`,
    async happen({ way }, ms) {
      way.cut();
      await delay(ms);
      way.mend();
    },
  },
];
