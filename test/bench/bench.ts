/** `npm run bench`: what work costs Dashgate, and what the same work costs others. */
import { writeFileSync } from 'node:fs';
import { EXIT, runEntry } from '../support/entry.ts';
import { benchCache } from './cache/bench-cache.ts';
import type { Stage } from './instance.ts';
import { MEMORY, measureMemory } from './measure-memory.ts';
import { measureInSlices } from './measure-slices.ts';
import { measureInTurns } from './measure-turns.ts';
import { costOfObserving } from './observability.ts';
import { raiseOpenFiles } from './open-files.ts';
import { type Options, readOptions, USAGE } from './options.ts';
import { startOrigins } from './origin/origins.ts';
import { renderPlot } from './plot.ts';
import { programVersions } from './programs.ts';
import { captionOf, describeMachine, type Measured, print, progress, writeJson } from './report.ts';
import type { Failure, Result } from './results.ts';
import { gainOfWorkers } from './scaling.ts';
import { onScene } from './scene.ts';

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  const machine = describeMachine();
  const measured = options.cache ? await benchCache(options) : await benchFront(options);
  const figures = { machine, ...measured };
  print(figures);
  if (options.json) writeJson(options.json, figures);
  if (options.plot) writeFileSync(options.plot, renderPlot(figures.results, captionOf(figures)));
  return figures.failures.length > 0 ? EXIT.failure : EXIT.ok;
}

/** The portal and the console. */
async function benchFront(options: Options): Promise<Measured> {
  const { groups, memory, peers, effort } = options;
  const versions = programVersions(['nginx', 'wrk', ...peers.flatMap(({ programs }) => programs)]);
  const workloads = groups.flatMap((group) => group.workloads);
  // A group's tunnels are all open at once.
  const tunnels = groups.map((group) => group.workloads.reduce((n, w) => n + w.idleTunnels, 0));
  const openFiles = raiseOpenFiles(Math.max(memory ? MEMORY.tunnels : 500, ...tunnels));
  const measured = await onScene(async (scene) => {
    const { children, folder, cores } = scene;
    const portals = Math.max(3, ...workloads.map(({ backends }) => backends));
    const origins = await startOrigins(children, folder, cores.load, portals);
    return measure({ ...scene, origins, openFiles }, options);
  });
  const { conclusion, failure } = costOfObserving(measured.results);
  if (failure) measured.failures.push(failure);
  const conclusions = [conclusion, gainOfWorkers(measured.results)].filter(
    (line) => line !== undefined,
  );
  return { effort, versions, peers, ...measured, conclusions };
}

async function measure(
  stage: Stage,
  options: Options,
): Promise<{ results: Result[]; failures: Failure[] }> {
  const { groups, peers, effort } = options;
  const results: Result[] = [];
  const failures: Failure[] = [];
  const fail = (failure: Failure) => failures.push(failure);
  for (const group of groups) {
    const chosen = peers.filter(({ name }) => group.peers?.includes(name) ?? true);
    results.push(
      ...(group.sliced
        ? await measureInSlices(stage, group, chosen, effort, fail, progress)
        : await measureInTurns(stage, group, chosen, effort, fail, progress)),
    );
    stage.origins.assertRunning();
  }
  if (options.memory) {
    results.push(...(await measureMemory(stage, peers, options.memoryRounds, fail, progress)));
  }
  return { results, failures };
}

await runEntry('bench', USAGE, main);
