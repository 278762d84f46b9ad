import { type Instance, type Stage, startInstance } from './instance.ts';
import type { Outcome, Workload } from './loads/workload.ts';
import type { Group } from './loads/workloads.ts';
import type { Peer } from './peers/peer.ts';
import type { Failure, Result, Sample } from './results.ts';
import { coreNanoseconds, cpuNanoseconds, memoryKiB } from './usage.ts';

/** How long and how often. */
export interface Effort {
  readonly rounds: number;
  /** Of one round of one workload with one peer. */
  readonly seconds: number;
  /** Once for each peer and workload, before the first round; not counted. */
  readonly warmUpSeconds: number;
}

interface Contender {
  readonly workload: Workload;
  readonly instance: Instance;
  readonly samples: Sample[];
}

/**
 * Measures a group of workloads with fresh peers: all are started and warmed up, then take turns,
 * in an order that shifts by one from round to round, one at a time on the proxies' core.
 */
export async function measureGroup(
  stage: Stage,
  group: Group,
  peers: readonly Peer[],
  effort: Effort,
  fail: (failure: Failure) => void,
  progress: (what: string) => void,
): Promise<Result[]> {
  const contenders: Contender[] = [];
  try {
    progress(`${group.name}: the proxies start`);
    const pairs = group.workloads.flatMap((workload) =>
      peers.filter(({ plain }) => plain || !workload.plain).map((peer) => ({ workload, peer })),
    );
    await Promise.all(
      pairs.map(async ({ workload, peer }) => {
        try {
          const instance = await startInstance(stage, peer, workload);
          contenders.push({ workload, instance, samples: [] });
        } catch (error) {
          fail({ workload: workload.name, peer: peer.name, what: (error as Error).message });
        }
      }),
    );
    const place = ({ workload, instance }: Contender) =>
      pairs.findIndex((pair) => pair.workload === workload && pair.peer === instance.peer);
    contenders.sort((a, b) => place(a) - place(b));
    assertSameTls(group.name, contenders, fail);
    for (const contender of contenders) {
      progress(`${contender.workload.name}: ${contender.instance.peer.name} warms up`);
      await round(stage, contender, effort.warmUpSeconds, fail);
    }
    for (let turn = 0; turn < effort.rounds; turn++) {
      for (let i = 0; i < contenders.length; i++) {
        const contender = contenders[(i + turn) % contenders.length]!;
        const { workload, instance, samples } = contender;
        progress(`${workload.name}: ${instance.peer.name}, ${turn + 1} of ${effort.rounds}`);
        const sample = await round(stage, contender, effort.seconds, fail);
        if (sample) samples.push(sample);
      }
    }
  } finally {
    await Promise.all(contenders.map(({ instance }) => instance.stop()));
  }
  return contenders.map(({ workload, instance, samples }) => ({
    group: group.name,
    workload: workload.name,
    title: workload.title,
    peer: instance.peer.name,
    unit: 'µs',
    samples,
  }));
}

async function round(
  { cores }: Stage,
  { workload, instance }: Contender,
  seconds: number,
  fail: (failure: Failure) => void,
): Promise<Sample | undefined> {
  const report = (what: string) =>
    fail({ workload: workload.name, peer: instance.peer.name, what });
  try {
    const { running } = instance;
    const session = await workload.open(running);
    try {
      const coreBefore = coreNanoseconds(cores.proxy);
      const before = cpuNanoseconds(running.pids);
      const outcome = await session.run(seconds);
      const cpuNs = cpuNanoseconds(running.pids) - before;
      const coreNs = (coreNanoseconds(cores.proxy) ?? Number.NaN) - (coreBefore ?? Number.NaN);
      for (const failure of outcome.failures) report(failure);
      if (instance.lostTunnels() > 0) report(`${instance.lostTunnels()} idle tunnels were lost`);
      if (outcome.units > 0) return sampleOf(outcome, cpuNs, coreNs, memoryKiB(running.pids));
      report('not one unit of work was done');
    } finally {
      await session.close();
    }
  } catch (error) {
    report(causeOf(error, instance));
  }
  return undefined;
}

/** Of whatever failed, that the proxy has ended and what it said is the better explanation. */
function causeOf(error: unknown, { running }: Instance): string {
  try {
    running.assertRunning();
  } catch (end) {
    return (end as Error).message;
  }
  return error instanceof Error ? error.message : String(error);
}

function sampleOf(outcome: Outcome, cpuNs: number, coreNs: number, memory: number): Sample {
  const { units, seconds, p50Ms, p99Ms } = outcome;
  return {
    cost: cpuNs / 1_000 / units,
    units,
    perSecond: units / seconds,
    p50Ms,
    p99Ms,
    busy: cpuNs / 1e9 / seconds,
    ...(Number.isNaN(coreNs) ? {} : { others: Math.max(0, (coreNs - cpuNs) / 1e9 / seconds) }),
    memoryMiB: memory / 1024,
  };
}

/** Ciphers differ in what they cost; proxies that chose different ones cannot be compared. */
function assertSameTls(
  workload: string,
  contenders: readonly Contender[],
  fail: (failure: Failure) => void,
): void {
  const expected = contenders[0]?.instance.tls;
  for (const { instance } of contenders) {
    if (instance.tls === expected) continue;
    const what = `speaks ${instance.tls}, the first peer ${expected}`;
    fail({ workload, peer: instance.peer.name, what });
  }
}
