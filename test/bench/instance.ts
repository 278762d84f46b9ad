import { chmodSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../src/errors.ts';
import { sharedCores } from './cores.ts';
import { Tunnels } from './loads/tunnels.ts';
import type { Workload } from './loads/workload.ts';
import { type Origins, startOrigins } from './origin/origins.ts';
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
      core: workers === undefined ? stage.cores.proxy : sharedCores(stage.cores, workers).join(),
      workers,
      settings,
      origins: await originsOf(stage, backends, workers),
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
    throw new Error(`${peer.name}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Those of the stage, or for workers some on each of their cores. */
async function originsOf(
  { children, folder, cores, origins }: Stage,
  backends: number,
  workers: number | undefined,
): Promise<Origins> {
  if (workers === undefined) return { ...origins, portal: origins.portal.slice(0, backends) };
  const started = await Promise.all(
    sharedCores(cores, workers).map((core) => {
      const home = mkdtempSync(join(folder, 'origins-'));
      // As for the scene's own folder: nginx reads as another user.
      chmodSync(home, 0o755);
      return startOrigins(children, home, core, backends);
    }),
  );
  return { ...started[0]!, portal: started.flatMap(({ portal }) => portal) };
}
