/** `npm run bench`: what work costs Dashgate, and what the same work costs others. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { demoCertificate } from '../../src/demo/certificate.ts';
import { EXIT, runEntry } from '../support/entry.ts';
import { Children, pinSelf } from './children.ts';
import { shareCores } from './cores.ts';
import type { Stage } from './instance.ts';
import { measureGroup } from './measure-cpu.ts';
import { measureMemory } from './measure-memory.ts';
import { raiseOpenFiles } from './open-files.ts';
import { type Options, readOptions, USAGE } from './options.ts';
import { startOrigins } from './origin/origins.ts';
import { renderPlot } from './plot.ts';
import { programVersions } from './programs.ts';
import type { Failure, Result } from './results.ts';
import { LEGEND, renderFailures, renderTable, renderWarning } from './table.ts';

interface Figures {
  readonly results: readonly Result[];
  readonly failures: readonly Failure[];
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options === 'help') {
    process.stdout.write(USAGE);
    return EXIT.ok;
  }
  const versions = programVersions(options.peers);
  const machine = describeMachine();
  const { results, failures } = await onStage(options, (stage) => measure(stage, options));
  const heading = [
    `${machine.date}, ${machine.cpu}, ${machine.cores} cores, Linux ${machine.kernel}, ${machine.pinning}`,
    `${versionLine(versions)}; ${options.effort.rounds} rounds of ${options.effort.seconds} s`,
    ...options.peers.map(({ name, note }) => `${name}: ${note}`),
  ];
  const parts = [heading.join('\n'), renderTable(results), LEGEND];
  const warning = renderWarning(results);
  if (warning) parts.push(warning);
  if (failures.length > 0) parts.push(renderFailures(failures));
  process.stdout.write(`\n${parts.join('\n\n')}\n`);
  if (options.json) {
    const figures = { machine, versions, effort: options.effort, results, failures };
    writeFileSync(options.json, `${JSON.stringify(figures, undefined, 2)}\n`);
  }
  if (options.plot) {
    const caption = `${machine.date}, ${machine.cpu}, ${versionLine(versions)}`;
    writeFileSync(options.plot, renderPlot(results, caption));
  }
  return failures.length > 0 ? EXIT.failure : EXIT.ok;
}

/** Starts what all measurements share, and takes everything down again, whatever happens. */
async function onStage(
  { groups, memory }: Options,
  work: (stage: Stage) => Promise<Figures>,
): Promise<Figures> {
  const workloads = groups.flatMap((group) => group.workloads);
  // A group's tunnels are all open at once.
  const tunnels = groups.map((group) => group.workloads.reduce((n, w) => n + w.idleTunnels, 0));
  const openFiles = raiseOpenFiles(Math.max(memory ? 1_050 : 500, ...tunnels));
  const cores = shareCores();
  pinSelf(cores.load);
  const folder = mkdtempSync(join(tmpdir(), 'dashgate-bench-'));
  // nginx, started by root, reads as another user.
  chmodSync(folder, 0o755);
  const children = new Children(folder);
  const leave = () => {
    children.killAll();
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', leave);
  try {
    const certificate = await demoCertificate(join(folder, 'certificate'));
    const portals = Math.max(3, ...workloads.map(({ backends }) => backends));
    const origins = await startOrigins(children, folder, cores.load, portals);
    return await work({ children, folder, cores, origins, certificate, openFiles });
  } finally {
    await children.stopAll();
    leave();
  }
}

async function measure(stage: Stage, options: Options): Promise<Figures> {
  const { groups, peers, effort } = options;
  const results: Result[] = [];
  const failures: Failure[] = [];
  const fail = (failure: Failure) => failures.push(failure);
  for (const group of groups) {
    const chosen = peers.filter(({ name }) => group.peers?.includes(name) ?? true);
    results.push(...(await measureGroup(stage, group, chosen, effort, fail, progress)));
    stage.origins.assertRunning();
  }
  if (options.memory) {
    results.push(...(await measureMemory(stage, peers, options.memoryRounds, fail, progress)));
  }
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  return { results, failures };
}

/** On a terminal the line changes in place; elsewhere, one line for each step would be too many. */
function progress(what: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${what}`);
}

function describeMachine() {
  const { proxy, load } = shareCores();
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0]?.model ?? 'unknown processor',
    cores: cpus().length,
    kernel: release(),
    pinning:
      proxy === undefined ? 'one core for all' : `proxies on core ${proxy}, load on core ${load}`,
  };
}

function versionLine(versions: Readonly<Record<string, string>>): string {
  const programs = Object.entries({ node: process.versions.node, ...versions });
  return programs
    .filter(([name]) => !['taskset', 'setpriv'].includes(name))
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');
}

await runEntry('bench', USAGE, main);
