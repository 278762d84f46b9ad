import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { demoCertificate } from '../../src/demo/certificate.ts';
import { Cleanup } from '../support/cleanup.ts';
import { until } from '../support/until.ts';
import { FLOATING } from './addresses.ts';
import { Client } from './client/client.ts';
import { Cluster } from './cluster.ts';
import type { Fault } from './faults.ts';
import { type Findings, findingsOf } from './findings.ts';
import type { Machine } from './machine.ts';
import { Switch } from './network.ts';
import type { Options } from './options.ts';
import type { Peer } from './peers/peer.ts';
import { LOGIN, Site } from './site.ts';
import type { Row } from './table.ts';

/** How long the address may take to be somewhere else, in ms. */
const MOVE_MS = 20_000;
/** How long both front doors may take to know their backends again, in ms. */
const READY_MS = 60_000;

interface Lab {
  readonly cluster: Cluster;
  readonly client: Client;
  readonly peer: Peer;
}

/** Has each thing happen to each front door; what users saw. */
export async function runTrials(options: Options): Promise<Row[]> {
  const rows: Row[] = [];
  for (const peer of options.peers) rows.push(...(await trialsOf(peer, options)));
  // Side by side.
  return options.faults.flatMap(({ title }) => rows.filter(({ fault }) => fault === title));
}

/** The same for one front door, on a cluster of its own. */
async function trialsOf(peer: Peer, options: Options): Promise<Row[]> {
  const cleanup = new Cleanup();
  const folder = mkdtempSync(join(tmpdir(), 'dashgate-ha-'));
  // For an end that waits for nothing, too.
  const forget = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', forget);
  cleanup.after(() => {
    process.off('exit', forget);
    forget();
  });
  try {
    note(`${peer.name}: two machines`);
    const lan = await Switch.create();
    cleanup.after(() => lan.remove());
    const site = await Site.start(lan);
    cleanup.after(() => site.remove());
    const cluster = await Cluster.plugIn(lan, folder, options.tokenMs);
    cleanup.after(() => cluster.remove());
    const client = await Client.plugIn(lan);
    cleanup.after(() => client.remove());
    await cluster.powerOn();
    const own = join(folder, 'peer');
    mkdirSync(own);
    const certificate = await demoCertificate(own);
    peer.check?.(cluster.machines[0]!, own);
    const setup = { folder: own, certificate, monitorMs: options.monitorMs };
    await cluster.load(peer.resources(setup));
    await ready(cluster);
    client.begin({ address: FLOATING, ...LOGIN, token: site.token() });
    const rows: Row[] = [];
    for (const fault of options.faults) {
      const trials: Findings[] = [];
      for (let i = 0; i < options.trials; i++)
        trials.push(await trial(fault, { cluster, client, peer }));
      rows.push({ fault: fault.title, peer: peer.name, trials });
    }
    return rows;
  } finally {
    await cleanup.run();
  }
}

/** Has it happen once, to the machine that has the address, and sets it right again. */
async function trial(fault: Fault, { cluster, client, peer }: Lab): Promise<Findings> {
  const victim = await quiet(cluster, client);
  client.forget();
  const at = Date.now();
  await fault.happen(victim, peer);
  const movedAt = await cluster.moved(victim, MOVE_MS);
  const well = await client.well();
  const findings = findingsOf(client.since(at), { at, movedAt });
  const moved = movedAt === undefined ? 'the address stays' : `address after ${movedAt - at} ms`;
  note(`${peer.name}: ${fault.title}: ${moved}, ${describe(findings)}`);
  if (!well) note(cluster.report());
  await fault.heal(victim);
  await cluster.settle();
  await ready(cluster);
  return findings;
}

/** Resolves when nothing is amiss; the machine that has the address. */
async function quiet(cluster: Cluster, client: Client): Promise<Machine> {
  if (!(await client.well())) {
    throw new Error(`the users are not well before anything happens\n${cluster.report()}`);
  }
  const { active } = cluster;
  if (!active) throw new Error(`no one machine has the address\n${cluster.report()}`);
  return active;
}

/** Resolves when the front door of each machine reaches a dashboard. */
async function ready(cluster: Cluster): Promise<void> {
  const page = 'https://127.0.0.1/dashboard/auth/login/';
  const ask = ['curl', '-skf', '-o', '/dev/null', '--noproxy', '*', '-m', '2', page];
  await until(
    'both front doors are ready',
    () => cluster.machines.every((machine) => machine.tryRun(ask) !== undefined),
    READY_MS,
  ).catch((error: Error) => {
    throw new Error(`${error.message}\n${cluster.report()}`);
  });
}

function describe({ gapMs, failed, requests, loggedOut, consolesMs }: Findings): string {
  const ms = (value: number) => (Number.isFinite(value) ? `${value} ms` : 'without an end');
  return `gap ${ms(gapMs)}, ${failed} of ${requests} requests failed, ${loggedOut} logged out, consoles ${ms(consolesMs)}`;
}

function note(text: string): void {
  process.stderr.write(`${text}\n`);
}
