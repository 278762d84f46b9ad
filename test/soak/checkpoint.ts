import { get } from 'node:http';
import { json } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { memoryKiB } from '../bench/usage.ts';
import { openFilesOf, openSocketsOf } from '../support/process-sockets.ts';
import type { GatewayUnderSoak } from './gateway-process.ts';
import { askProbe, type ProbeReport } from './probe.ts';

/**
 * Unused upstream connections end after 4 s and clients that linger after 2 s at the latest, each
 * noticed within two ticks of 100 ms; the rest is for a busy machine.
 */
const QUIET_DEADLINE_MS = 6_000;
const STEP_MS = 100;

/** What there is to see of the gateway while nobody asks anything of it. */
export interface Checkpoint {
  readonly phase: string;
  /** How many of the phase's units of work were done by then. */
  readonly done: number;
  /** Since this process started. */
  readonly seconds: number;
  /** Of the gateway, for each unit of work since the checkpoint before, in µs. */
  readonly cpuUs: number;
  readonly pssBytes: number;
  readonly openFiles: number;
  /** Sockets but listeners that are open although none should be, such as `ESTABLISHED 443`. */
  readonly sockets: readonly string[];
  /** Sums over all services, of the admin listener. */
  readonly active: number;
  readonly queued: number;
  readonly tunnels: number;
  readonly probe: ProbeReport;
}

interface AdminState {
  readonly services: readonly {
    readonly queued: number;
    readonly tunnels: number;
    readonly backends: readonly { readonly active: number }[];
  }[];
}

/** The sockets and objects that there are in the midst of a load. */
export interface Glance {
  readonly sockets: number;
  readonly objects: ProbeReport['objects'];
}

/** Looks at the gateway while it works. */
export async function takeGlance(gateway: GatewayUnderSoak): Promise<Glance> {
  const { objects } = await askProbe(gateway.probe);
  return { objects, sockets: openSocketsOf(gateway.child.pid).length };
}

/** Looks at the gateway once all of its sockets are closed, or when they should be. */
export async function takeCheckpoint(
  gateway: GatewayUnderSoak,
  phase: string,
  done: number,
  cpuUs: number,
): Promise<Checkpoint> {
  const { pid } = gateway.child;
  const sockets = await leftOver(pid);
  const openFiles = openFilesOf(pid);
  const probe = await askProbe(gateway.probe);
  const pssBytes = memoryKiB([pid]) * 1024;
  const state = await readAdminState(gateway.admin);
  return {
    phase,
    done,
    seconds: performance.now() / 1e3,
    cpuUs,
    pssBytes,
    openFiles,
    sockets,
    active: sum(state.services.flatMap(({ backends }) => backends.map(({ active }) => active))),
    queued: sum(state.services.map(({ queued }) => queued)),
    tunnels: sum(state.services.map(({ tunnels }) => tunnels)),
    probe,
  };
}

/** What is still open at the deadline; nothing as soon as there is a moment without any. */
async function leftOver(pid: number): Promise<string[]> {
  const deadline = performance.now() + QUIET_DEADLINE_MS;
  for (;;) {
    const open = openSocketsOf(pid);
    if (open.length === 0 || performance.now() > deadline) {
      return open.map(({ state, localPort, remotePort }) => `${state} ${localPort}–${remotePort}`);
    }
    await delay(STEP_MS);
  }
}

function readAdminState(port: number): Promise<AdminState> {
  return new Promise((resolve, reject) => {
    const outgoing = get(
      // A connection that were kept would be one that is left over.
      { host: '127.0.0.1', port, path: '/api/state', agent: false, timeout: 10_000 },
      (answer) => json(answer).then((state) => resolve(state as AdminState), reject),
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error('the admin listener is silent')));
    outgoing.on('error', reject);
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
