import { setTimeout as sleep } from 'node:timers/promises';
import { type Contender, type Entrant, failureBy, withEntrants } from './contenders.ts';
import type { Stage } from './instance.ts';
import type { SteadyLoad, SteadyWorkload } from './loads/workload.ts';
import type { SliceGroup } from './loads/workloads.ts';
import { type Effort, judge, resultOf, round, Usage, warmUp } from './measure-turns.ts';
import type { Peer } from './peers/peer.ts';
import type { Failure, Result, Sample } from './results.ts';

/**
 * How long one works before it is the next one's turn. A shared host changes its speed within a second: of two turns
 * of a second, one after the other, the costs have little in common (a correlation of 0.3).
 */
const SLICE_MS = 200;
/** Within which a proxy answers what was under way when its load was paused. */
const DRAIN_MS = 10;
/** What each works in one start, about; thousands of tunnels take as long to be opened. */
const START_SECONDS = 6;

/** What takes slices, and what they cost so far. */
interface Trial {
  readonly contender: Contender;
  readonly load: SteadyLoad;
  readonly usage: Usage;
  seconds: number;
  /** It failed, which was told. */
  failed: boolean;
}

/**
 * Measures loads of which some percent matter. All start anew after some seconds: two Node processes with the same
 * work differ by some percent for as long as they run, by what of the code was compiled, and how. Within a start they
 * take slices, and their sums are compared: whatever the host does hits all alike. There is one sample for each start,
 * with the latencies of a turn without pauses.
 */
export async function measureInSlices(
  stage: Stage,
  { name, workloads }: SliceGroup,
  peers: readonly Peer[],
  effort: Effort,
  fail: (failure: Failure) => void,
  progress: (what: string) => void,
): Promise<Result[]> {
  const all = new Map<string, Result>();
  // What workloads differ by is less than what peers differ by: it takes twice the time.
  const seconds = effort.rounds * effort.seconds * (workloads.length > 1 ? 2 : 1);
  const starts = Math.max(1, Math.round(seconds / START_SECONDS));
  for (let start = 0; start < starts; start++) {
    progress(`${name}: the proxies start, ${start + 1} of ${starts}`);
    // None is always the last to start.
    const turned = workloads.map((_, i, { length }) => workloads[(start + i) % length]!);
    const field = { name, workloads: turned, peers, inTurn: true };
    await withEntrants(stage, field, fail, async (entrants) => {
      const contenders = entrants.map(({ contender }) => contender);
      await warmUp(stage.cores, contenders, effort, fail, progress);
      progress(`${name}: slices, ${start + 1} of ${starts}`);
      const samples = await takeSlices(stage, entrants, seconds / starts, start, fail);
      for (const contender of contenders) {
        const key = `${contender.workload} ${contender.peer}`;
        const earlier = all.get(key)?.samples ?? [];
        const sample = samples.get(contender);
        progress(`${name}: latencies of ${contender.peer}, ${start + 1} of ${starts}`);
        const turn = sample && (await round(stage.cores, contender, effort.seconds, fail));
        const latencies = { p50Ms: turn?.p50Ms, p99Ms: turn?.p99Ms };
        const more = sample ? [{ ...sample, ...latencies }] : [];
        all.set(key, resultOf(contender, [...earlier, ...more]));
      }
    });
  }
  return workloads.flatMap((workload) =>
    peers.flatMap((peer) => all.get(`${workload.name} ${peer.name}`) ?? []),
  );
}

/** Has entrants take slices, there and back again, so that each comes after the one as often as before it. */
async function takeSlices(
  { cores }: Stage,
  entrants: readonly Entrant<SteadyWorkload>[],
  seconds: number,
  start: number,
  fail: (failure: Failure) => void,
): Promise<Map<Contender, Sample>> {
  const mostSeconds = 60 + 2 * seconds * entrants.length;
  const trials = entrants.map(({ workload, instance, contender }): Trial => {
    // The others wait on the same core, where they are no strangers.
    const usage = new Usage(contender.pids);
    const load = workload.steady(instance.running, cores, mostSeconds);
    return { contender, load, usage, seconds: 0, failed: false };
  });
  const samples = new Map<Contender, Sample>();
  try {
    for (let slice = 1; slice * SLICE_MS < seconds * 1_000; slice++) {
      for (const trial of slice % 2 === 1 ? trials : trials.toReversed()) {
        await attempt(trial, fail, () => takeSlice(trial));
      }
    }
    for (const trial of trials) {
      await attempt(trial, fail, async () => {
        const sample = await takeLastSlice(trial, fail);
        if (sample) samples.set(trial.contender, { ...sample, round: start });
      });
    }
    return samples;
  } finally {
    for (const { load } of trials) load.kill();
  }
}

/** What fails is told, and takes no further slices. */
async function attempt(
  trial: Trial,
  fail: (failure: Failure) => void,
  work: () => Promise<void>,
): Promise<void> {
  if (trial.failed) return;
  try {
    await work();
  } catch (error) {
    trial.failed = true;
    trial.load.kill();
    fail(failureBy(error, trial.contender));
  }
}

function takeSlice(trial: Trial): Promise<void> {
  const { load } = trial;
  return counted(trial, async () => {
    load.resume();
    await sleep(SLICE_MS);
    load.pause();
  });
}

async function takeLastSlice(trial: Trial, fail: (failure: Failure) => void) {
  const { contender, load, usage } = trial;
  const done = await counted(trial, load.finish);
  const outcome = { ...done, seconds: trial.seconds };
  return judge(contender, outcome, usage, fail);
}

async function counted<T>(trial: Trial, work: () => Promise<T>): Promise<T> {
  trial.usage.begin();
  const began = performance.now();
  const result = await work();
  trial.seconds += (performance.now() - began) / 1_000;
  await sleep(DRAIN_MS);
  trial.usage.end();
  return result;
}
