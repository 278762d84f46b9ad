import { setTimeout as sleep } from 'node:timers/promises';
import { type Contender, causeOf, type Entrant, withEntrants } from './contenders.ts';
import type { Stage } from './instance.ts';
import type { GrowthWorkload, SteadyLoad } from './loads/workload.ts';
import type { GrowthGroup } from './loads/workloads.ts';
import { type Effort, judge, resultOf, Usage, warmUp } from './measure-cpu.ts';
import type { Peer } from './peers/peer.ts';
import type { Failure, Result, Sample } from './results.ts';

/**
 * How long one works before it is the next one's turn. A shared host changes its speed within a second: of two turns
 * of a second, one after the other, the costs have little in common (a correlation of 0.3).
 */
const SLICE_MS = 200;
/** Within which a proxy answers what was under way when its load was paused. */
const DRAIN_MS = 10;
/** What each works in one start, which with thousands of tunnels takes as long. */
const START_SECONDS = 6;

/** What a start has found of an entrant. */
interface Trial {
  readonly contender: Contender;
  readonly load: SteadyLoad;
  readonly usage: Usage;
  seconds: number;
  /** It failed, which was told. */
  failed: boolean;
}

/**
 * Measures work whose cost is to be the same under other conditions, where some percent matter. All start anew after
 * some seconds: two Node processes with the same work differ by some percent for as long as they run, by what of the
 * code was compiled, and how. Within a start they take slices, and their sums are compared: whatever the host does
 * hits all alike. There is one sample for each start.
 */
export async function measureGrowth(
  stage: Stage,
  { name, workloads }: GrowthGroup,
  peers: readonly Peer[],
  effort: Effort,
  fail: (failure: Failure) => void,
  progress: (what: string) => void,
): Promise<Result[]> {
  const all = new Map<string, Result>();
  // Differences are smaller than ratios: they get twice the time.
  const starts = Math.max(1, Math.round((2 * effort.rounds * effort.seconds) / START_SECONDS));
  for (let start = 0; start < starts; start++) {
    progress(`${name}: the proxies start, ${start + 1} of ${starts}`);
    // None is always the last to start.
    const turned = workloads.map((_, i, { length }) => workloads[(start + i) % length]!);
    const field = { name, workloads: turned, peers, inTurn: true };
    await withEntrants(stage, field, fail, async (entrants) => {
      const contenders = entrants.map(({ contender }) => contender);
      await warmUp(stage.cores, contenders, effort, fail, progress);
      progress(`${name}: slices, ${start + 1} of ${starts}`);
      for (const [contender, samples] of await takeSlices(stage, entrants, start, fail)) {
        const key = `${contender.workload} ${contender.peer}`;
        const earlier = all.get(key)?.samples ?? [];
        all.set(key, resultOf(contender, [...earlier, ...samples]));
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
  entrants: readonly Entrant<GrowthWorkload>[],
  round: number,
  fail: (failure: Failure) => void,
): Promise<Map<Contender, Sample[]>> {
  const slices = (START_SECONDS * 1_000) / SLICE_MS;
  const mostSeconds = 60 + 2 * START_SECONDS * entrants.length;
  const trials = entrants.map(({ workload, instance, contender }): Trial => {
    // The others wait on the same core, where they are no strangers.
    const usage = new Usage(contender.pids);
    const load = workload.steady(instance.running, cores, mostSeconds);
    return { contender, load, usage, seconds: 0, failed: false };
  });
  const tell = ({ contender: { workload, peer } }: Trial, what: string) =>
    fail({ workload, peer, what });
  const attempt = async (trial: Trial, work: () => Promise<void>) => {
    try {
      if (!trial.failed) await work();
    } catch (error) {
      trial.failed = true;
      trial.load.kill();
      tell(trial, causeOf(error, trial.contender));
    }
  };
  try {
    for (let slice = 0; slice < slices; slice++) {
      for (const trial of slice % 2 === 0 ? trials : trials.toReversed()) {
        await attempt(trial, () => takeSlice(trial));
      }
    }
    const samples = new Map<Contender, Sample[]>();
    for (const trial of trials) {
      const { contender, load, usage, seconds } = trial;
      samples.set(contender, []);
      await attempt(trial, async () => {
        const outcome = { ...(await load.finish()), seconds };
        const measurement = judge(contender, outcome, usage, (what) => tell(trial, what));
        if (measurement) samples.get(contender)!.push({ ...measurement, round });
      });
    }
    return samples;
  } finally {
    for (const { load } of trials) load.kill();
  }
}

async function takeSlice(trial: Trial): Promise<void> {
  const { load, usage } = trial;
  usage.begin();
  const began = performance.now();
  load.resume();
  await sleep(SLICE_MS);
  load.pause();
  trial.seconds += (performance.now() - began) / 1_000;
  await sleep(DRAIN_MS);
  usage.end();
}
