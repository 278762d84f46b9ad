import { writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { shareCores } from './cores.ts';
import type { Effort } from './measure-turns.ts';
import type { Failure, Result } from './results.ts';
import { LEGEND, renderFailures, renderTable, renderWarning } from './table.ts';

/** What a run of the benchmark found. */
export interface Measured {
  readonly effort: Effort;
  /** Versions of the programs that took part. */
  readonly versions: Readonly<Record<string, string>>;
  /** What each peer does, for the reader. */
  readonly peers: readonly { readonly name: string; readonly note: string }[];
  readonly results: readonly Result[];
  readonly failures: readonly Failure[];
  /** What follows from the results, in words. */
  readonly conclusions?: readonly string[];
}

/** The same, and where. */
export interface Figures extends Measured {
  readonly machine: Machine;
}

/** Prints the table, with what has to be known to read it. */
export function print(figures: Figures): void {
  const { machine, effort, versions, peers, results, failures, conclusions = [] } = figures;
  const heading = [
    `${machine.date}, ${machine.cpu}, ${machine.cores} cores, Linux ${machine.kernel}, ${machine.pinning}`,
    `${versionLine(versions)}; ${effort.rounds} rounds of ${effort.seconds} s`,
    ...peers.map(({ name, note }) => `${name}: ${note}`),
  ];
  const parts = [heading.join('\n'), renderTable(results), LEGEND];
  if (conclusions.length > 0) parts.push(conclusions.join('\n'));
  const warning = renderWarning(results);
  if (warning) parts.push(warning);
  if (failures.length > 0) parts.push(renderFailures(failures));
  process.stdout.write(`\n${parts.join('\n\n')}\n`);
}

/** Writes all figures of all rounds to a file. */
export function writeJson(file: string, { peers: _, ...figures }: Figures): void {
  writeFileSync(file, `${JSON.stringify(figures, undefined, 2)}\n`);
}

/** One line that tells where and with what the figures were taken. */
export function captionOf({ machine, versions }: Figures): string {
  return `${machine.date}, ${machine.cpu}, ${versionLine(versions)}`;
}

/** On a terminal the line changes in place; elsewhere, one line for each step would be too many. */
export function progress(what: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${what}`);
}

export type Machine = ReturnType<typeof describeMachine>;

/** Where the figures are taken; to be asked before the bench pins itself to a core. */
export function describeMachine() {
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
