import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { everyCore } from './cores.ts';
import { Tunnels } from './loads/tunnels.ts';
import type { Workload } from './loads/workload.ts';
import type { Origins } from './origin/origins.ts';
import type { Peer, RunningPeer } from './peers/peer.ts';
import type { Scene } from './scene.ts';
import { verify } from './verify.ts';

/** What all measurements of a run share. */
export interface Stage extends Scene {
  readonly origins: Origins;
  readonly openFiles: number;
}

/** A peer that runs in the state that a workload wants. */
export interface Instance {
  readonly peer: Peer;
  readonly running: RunningPeer;
  /** TLS version and cipher that it speaks. */
  readonly tls: string;
  /** Idle tunnels that were lost since they were opened. */
  readonly lostTunnels: () => number;
  stop(): Promise<void>;
}

/**
 * Starts a peer with so many portal backends, verifies it and opens its idle tunnels.
 * @throws Error that names the peer and what it said.
 */
export async function startInstance(
  stage: Stage,
  peer: Peer,
  {
    backends,
    idleTunnels,
    workers,
    settings,
  }: Pick<Workload, 'backends' | 'idleTunnels' | 'workers' | 'settings'>,
): Promise<Instance> {
  let running: RunningPeer | undefined;
  try {
    running = await peer.start({
      ...stage,
      folder: mkdtempSync(join(stage.folder, 'peer-')),
      core: workers === undefined ? stage.cores.proxy : everyCore(stage.cores),
      workers,
      settings,
      origins: { ...stage.origins, portal: stage.origins.portal.slice(0, backends) },
    });
    const tls = await verify(running);
    const tunnels = await Tunnels.open(running.console, idleTunnels);
    const { stop } = running;
    return {
      peer,
      running,
      tls,
      lostTunnels: () => tunnels.lost,
      stop: async () => {
        await tunnels.close();
        await stop();
      },
    };
  } catch (error) {
    await running?.stop();
    throw new Error(`${peer.name}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}
