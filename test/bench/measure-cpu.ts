import type { Cores } from './cores.ts';
import { type Instance, type Stage, startInstance } from './instance.ts';
import type { Outcome, Session, Workload } from './loads/workload.ts';
import type { Group } from './loads/workloads.ts';
import type { Peer } from './peers/peer.ts';
import type { Failure, Measurement, Result, Sample } from './results.ts';
import { coreNanoseconds, cpuNanoseconds, memoryKiB } from './usage.ts';

/** How long and how often. */
export interface Effort {
  readonly rounds: number;
  /** The number of the first one (0). */
  readonly firstRound?: number;
  /** Of one round of one workload with one peer. */
  readonly seconds: number;
  /** Once for each peer and workload, before the first round, times the workload's `warmUp`; not counted. */
  readonly warmUpSeconds: number;
}

/** Something that is to be measured: a workload with one peer that stands ready. */
export interface Contender {
  readonly group: string;
  readonly workload: string;
  readonly title: string;
  readonly peer: string;
  /** Times as long as others (1) it warms up. */
  readonly warmUp?: number;
  /** The peer's processes; those below them count as well. */
  readonly pids: readonly number[];
  open(): Promise<Session>;
  /** What went wrong beside the load; nothing where all is well. */
  lost?(): string | undefined;
  /** Throws, with what it said, if a process of the peer has ended. */
  assertRunning(): void;
}

/**
 * Turns that peers take in each start, in groups whose peers are started often. Starts differ by some percent, and
 * turns within one by what the host does; but a start of thousands of tunnels takes as long as ten turns.
 */
const FRESH_TURNS = 4;

/** Measures a group of workloads with peers of its own. */
export async function measureGroup(
  stage: Stage,
  group: Group,
  peers: readonly Peer[],
  effort: Effort,
  fail: (failure: Failure) => void,
  progress: (what: string) => void,
): Promise<Result[]> {
  if (!group.fresh) return measureTogether(stage, group, peers, effort, fail, progress);
  const all = new Map<string, Result>();
  // Growth is looked for in small differences: each gets twice as many turns as a single load does.
  const starts = Math.ceil((2 * effort.rounds) / FRESH_TURNS);
  for (let start = 0; start < starts; start++) {
    const turns = { ...effort, rounds: FRESH_TURNS, firstRound: start * FRESH_TURNS };
    // None is always the last to start, or to have its turn.
    const workloads = group.workloads.map(
      (_, i, { length }) => group.workloads[(start + i) % length]!,
    );
    const turned = { ...group, workloads };
    for (const result of await measureTogether(stage, turned, peers, turns, fail, progress)) {
      const key = `${result.workload} ${result.peer}`;
      const samples = [...(all.get(key)?.samples ?? []), ...result.samples];
      all.set(key, { ...result, samples });
    }
  }
  return [...all.values()];
}

/** Starts all, and has them take turns. */
async function measureTogether(
  stage: Stage,
  group: Group,
  peers: readonly Peer[],
  effort: Effort,
  fail: (failure: Failure) => void,
  progress: (what: string) => void,
): Promise<Result[]> {
  const instances = new Map<Contender, Instance>();
  try {
    progress(`${group.name}: the proxies start`);
    const pairs = group.workloads.flatMap((workload) =>
      peers.filter(({ plain }) => plain || !workload.plain).map((peer) => ({ workload, peer })),
    );
    const start = async ({ workload, peer }: (typeof pairs)[number]) => {
      try {
        const instance = await startInstance(stage, peer, workload);
        const contender = contenderOf(group.name, workload, instance, stage.cores);
        instances.set(contender, instance);
        return contender;
      } catch (error) {
        fail({ workload: workload.name, peer: peer.name, what: (error as Error).message });
        return undefined;
      }
    };
    const started = group.fresh
      ? await Array.fromAsync(pairs, start)
      : await Promise.all(pairs.map(start));
    assertSameTls(group.name, [...instances.values()], fail);
    const contenders = started.filter((contender) => contender !== undefined);
    return await takeTurns(stage.cores, contenders, effort, fail, progress);
  } finally {
    await Promise.all(Array.from(instances.values(), (instance) => instance.stop()));
  }
}

function contenderOf(
  group: string,
  workload: Workload,
  instance: Instance,
  cores: Cores,
): Contender {
  const { peer, running, lostTunnels } = instance;
  return {
    group,
    workload: workload.name,
    title: workload.title,
    peer: peer.name,
    warmUp: workload.warmUp,
    pids: running.pids,
    open: () => workload.open(running, cores),
    lost: () => (lostTunnels() > 0 ? `${lostTunnels()} idle tunnels were lost` : undefined),
    assertRunning: running.assertRunning,
  };
}

/**
 * Warms contenders up and has them take turns, in an order that shifts by one from round to round,
 * one at a time on the proxies' core.
 */
export async function takeTurns(
  cores: Cores,
  contenders: readonly Contender[],
  effort: Effort,
  fail: (failure: Failure) => void,
  progress: (what: string) => void,
): Promise<Result[]> {
  const samples = new Map<Contender, Sample[]>(contenders.map((contender) => [contender, []]));
  for (const contender of contenders) {
    progress(`${contender.workload}: ${contender.peer} warms up`);
    await round(cores, contender, effort.warmUpSeconds * (contender.warmUp ?? 1), fail);
  }
  const first = effort.firstRound ?? 0;
  for (let turn = first; turn < first + effort.rounds; turn++) {
    for (let i = 0; i < contenders.length; i++) {
      const contender = contenders[(i + turn) % contenders.length]!;
      progress(`${contender.workload}: ${contender.peer}, ${turn + 1} of ${first + effort.rounds}`);
      const sample = await round(cores, contender, effort.seconds, fail);
      if (sample) samples.get(contender)!.push({ ...sample, round: turn });
    }
  }
  return contenders.map((contender) => {
    const { group, workload, title, peer } = contender;
    return { group, workload, title, peer, unit: 'µs', samples: samples.get(contender)! };
  });
}

async function round(
  cores: Cores,
  contender: Contender,
  seconds: number,
  fail: (failure: Failure) => void,
): Promise<Measurement | undefined> {
  const { workload, peer, pids } = contender;
  const report = (what: string) => fail({ workload, peer, what });
  try {
    const session = await contender.open();
    try {
      const coreBefore = coreNanoseconds(cores.proxy);
      const before = cpuNanoseconds(pids);
      const outcome = await session.run(seconds);
      const cpuNs = cpuNanoseconds(pids) - before;
      const coreNs = (coreNanoseconds(cores.proxy) ?? Number.NaN) - (coreBefore ?? Number.NaN);
      for (const failure of outcome.failures) report(failure);
      const lost = contender.lost?.();
      if (lost !== undefined) report(lost);
      if (outcome.units > 0) return sampleOf(outcome, cpuNs, coreNs, memoryKiB(pids));
      report('not one unit of work was done');
    } finally {
      await session.close();
    }
  } catch (error) {
    report(causeOf(error, contender));
  }
  return undefined;
}

/** Of whatever failed, that the proxy has ended and what it said is the better explanation. */
function causeOf(error: unknown, { assertRunning }: Contender): string {
  try {
    assertRunning();
  } catch (end) {
    return (end as Error).message;
  }
  return error instanceof Error ? error.message : String(error);
}

function sampleOf(outcome: Outcome, cpuNs: number, coreNs: number, memory: number): Measurement {
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
  instances: readonly Instance[],
  fail: (failure: Failure) => void,
): void {
  const expected = instances[0]?.tls;
  for (const instance of instances) {
    if (instance.tls === expected) continue;
    const what = `speaks ${instance.tls}, the first peer ${expected}`;
    fail({ workload, peer: instance.peer.name, what });
  }
}
