import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../src/errors.ts';
import { type Stage, startInstance } from './instance.ts';
import { Tunnels } from './loads/tunnels.ts';
import type { Peer } from './peers/peer.ts';
import type { Failure, Measurement, Result, Sample } from './results.ts';
import { memoryKiB } from './usage.ts';

const FIRST_TUNNELS = 1_500;
const TUNNELS = 1_000;

export const MEMORY = {
  name: 'memory',
  title: 'memory of an idle WSS tunnel',
  /** Open at once. */
  tunnels: FIRST_TUNNELS + TUNNELS,
} as const;

const SETTLE_STEP_MS = 250;
const SETTLE_DEADLINE_MS = 5_000;

/**
 * Measures by how much a fresh proxy grows with each of 1,000 idle tunnels. 1,500 are opened before, so
 * that what is loaded or grows once, such as the young generation of a heap, is not counted.
 */
export async function measureMemory(
  stage: Stage,
  peers: readonly Peer[],
  rounds: number,
  fail: (failure: Failure) => void,
  progress: (what: string) => void,
): Promise<Result[]> {
  const samples = new Map<string, Sample[]>(peers.map(({ name }) => [name, []]));
  for (let turn = 0; turn < rounds; turn++) {
    for (let i = 0; i < peers.length; i++) {
      const peer = peers[(i + turn) % peers.length]!;
      progress(`${MEMORY.name}: ${peer.name}, ${turn + 1} of ${rounds}`);
      try {
        samples.get(peer.name)!.push({ ...(await sample(stage, peer)), round: turn });
      } catch (error) {
        const what = messageOf(error);
        fail({ workload: MEMORY.name, peer: peer.name, what });
      }
    }
  }
  return peers.map(({ name }) => ({
    group: MEMORY.name,
    workload: MEMORY.name,
    title: MEMORY.title,
    peer: name,
    unit: 'KiB',
    samples: samples.get(name)!,
  }));
}

async function sample(stage: Stage, peer: Peer): Promise<Measurement> {
  const instance = await startInstance(stage, peer, { backends: 3, idleTunnels: FIRST_TUNNELS });
  const { pids, console } = instance.running;
  try {
    const before = await settledMemory(pids);
    const tunnels = await Tunnels.open(console, TUNNELS);
    try {
      const after = await settledMemory(pids);
      const lost = tunnels.lost + instance.lostTunnels();
      if (lost > 0) throw new Error(`${lost} idle tunnels were lost`);
      return { cost: (after - before) / TUNNELS, units: TUNNELS, memoryMiB: after / 1024 };
    } finally {
      await tunnels.close();
    }
  } finally {
    await instance.stop();
  }
}

/** In KiB, once two readings are within 0.5%, as garbage collectors take their time. */
async function settledMemory(pids: readonly number[]): Promise<number> {
  const deadline = performance.now() + SETTLE_DEADLINE_MS;
  let last = memoryKiB(pids);
  for (;;) {
    await delay(SETTLE_STEP_MS);
    const now = memoryKiB(pids);
    if (Math.abs(now - last) < last * 0.005 || performance.now() > deadline) return now;
    last = now;
  }
}
