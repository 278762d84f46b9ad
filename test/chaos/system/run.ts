import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { demoCertificate } from '../../../src/demo/certificate.ts';
import { Children } from '../../support/children.ts';
import { Cleanup } from '../../support/cleanup.ts';
import { randomFrom } from '../../support/random.ts';
import { startGateways } from './cluster/gateway.ts';
import type { Scene } from './cluster/part.ts';
import { startSite } from './cluster/site.ts';
import { FAULTS, type Fault } from './faults/fault.ts';
import { Hits } from './faults/hits.ts';
import { schedule } from './faults/schedule.ts';
import { Front } from './load/front.ts';
import { Ledger } from './load/ledger.ts';
import { Load } from './load/load.ts';
import type { Options } from './options.ts';
import type { Peer, Sessions } from './peers/peer.ts';
import { memoryOf, restOf } from './rest.ts';

/** How long everything may take to be well again after a fault, in ms. */
const WELL_MS = 60_000;
const STEP_MS = 200;
/** What is under way for so long holds up the next fault, in ms. */
const LONG_MS = 3_000;

/** One fault that happened. */
export interface Happening {
  readonly fault: Fault;
  readonly part: string;
  /** From its beginning to the last trouble that somebody had; 0: nobody had any. */
  readonly recoveredMs: number;
  /** All was well again in time. */
  readonly settled: boolean;
}

/** What a front door showed. */
export interface Outcome {
  readonly peer: Peer;
  readonly ledger: Ledger;
  readonly happenings: readonly Happening[];
  readonly seconds: number;
  /** What gateways still held when nobody wanted anything of them. */
  readonly leaks: readonly string[];
  readonly memoryMiB: { readonly before: number; readonly after: number };
}

/** Has a whole system suffer. */
export async function suffer(peer: Peer, options: Options): Promise<Outcome> {
  const cleanup = new Cleanup();
  const folder = mkdtempSync(join(tmpdir(), 'dashgate-chaos-'));
  const children = new Children(folder);
  const lastMoment = () => {
    children.killAll();
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', lastMoment);
  cleanup.after(() => {
    lastMoment();
    process.off('exit', lastMoment);
  });
  cleanup.after(() => children.stopAll());
  try {
    return await play(peer, options, {
      children,
      folder,
      after: (hook) => cleanup.after(hook),
    });
  } finally {
    await cleanup.run();
  }
}

async function play(peer: Peer, options: Options, scene: Scene): Promise<Outcome> {
  const { seed, minutes, faults } = options;
  const certificate = await demoCertificate(join(scene.folder, 'certificate'));
  let sessions: Sessions | undefined;
  const site = await startSite(scene, async (nodes) => {
    sessions = await peer.sessions(scene, nodes, certificate);
    return sessions.location;
  });
  const gateways = await startGateways(peer, { scene, site, certificate });
  const memoryBefore = memoryOf(gateways);
  const front = new Front(gateways);
  const hits = new Hits();
  const ledger = new Ledger();
  const load = new Load(options, { front, ledger, hits, random: randomFrom(seed + 1) });
  const stage = { site, gateways, front, hits, random: randomFrom(seed) };
  const isWell = async () =>
    load.quiet(LONG_MS) &&
    (await sessions!.well()) &&
    (await gateways[0].well()) &&
    (await gateways[1].well());
  if (!(await settle(isWell))) throw new Error(`${peer.name} is not well before anything happened`);
  await load.begin();
  if (!(await settle(isWell))) throw new Error(`${peer.name} is not well under its load`);
  const happenings: Happening[] = [];
  const began = performance.now();
  const random = randomFrom(seed + 2);
  for (const { fault, pauseMs, last } of schedule(faults, random)) {
    await delay(pauseMs);
    const from = performance.now();
    const part = await fault.happen(stage);
    const settled = await settle(isWell);
    if (part !== undefined) {
      const trouble = ledger.lastTrouble(from, performance.now());
      const recoveredMs = trouble === undefined ? 0 : trouble - from;
      happenings.push({ fault, part, recoveredMs, settled });
      process.stderr.write(`${progress(peer, happenings.at(-1)!, ledger)}\n`);
    }
    if (last && performance.now() - began > minutes * 60_000) break;
  }
  const seconds = (performance.now() - began) / 1_000;
  await load.end();
  const leaks = await restOf(gateways, site);
  const memoryMiB = { before: memoryBefore, after: memoryOf(gateways) };
  const inOrder = happenings.toSorted((a, b) => FAULTS.indexOf(a.fault) - FAULTS.indexOf(b.fault));
  return { peer, ledger, happenings: inOrder, seconds, leaks, memoryMiB };
}

/** Whether all was well in time. */
async function settle(isWell: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + WELL_MS;
  while (!(await isWell())) {
    if (performance.now() > deadline) return false;
    await delay(STEP_MS);
  }
  return true;
}

function progress({ name }: Peer, happening: Happening, ledger: Ledger): string {
  const { fault, part, recoveredMs, settled } = happening;
  const so = [
    `${ledger.failed.total} failed`,
    `${ledger.loggedOut} logged out`,
    `${ledger.othersFailed.total} others`,
    `${ledger.cutUntouched.total} consoles wrongly cut`,
  ].join(', ');
  const well = settled ? '' : ', not well';
  return `${name}: ${fault.name} (${part}): ${Math.round(recoveredMs)} ms${well}; so far ${so}`;
}
