import { type Contender, failureBy, failureOf, withEntrants } from './contenders.ts';
import type { Cores } from './cores.ts';
import type { Stage } from './instance.ts';
import type { Outcome } from './loads/workload.ts';
import type { TurnGroup } from './loads/workloads.ts';
import type { Peer } from './peers/peer.ts';
import type { Failure, Measurement, Result, Sample } from './results.ts';
import { coreNanoseconds, cpuNanoseconds, memoryKiB } from './usage.ts';

/** How long and how often. */
export interface Effort {
  readonly rounds: number;
  /** Of one round of one workload with one peer. */
  readonly seconds: number;
  /** Once for each peer and workload, before the first round, times the workload's `warmUp`; not counted. */
  readonly warmUpSeconds: number;
}

/** Measures a group of workloads with peers of its own. */
export async function measureInTurns(
  stage: Stage,
  { name, workloads }: TurnGroup,
  peers: readonly Peer[],
  effort: Effort,
  fail: (failure: Failure) => void,
  progress: (what: string) => void,
): Promise<Result[]> {
  progress(`${name}: the proxies start`);
  return withEntrants(stage, { name, workloads, peers, inTurn: false }, fail, (entrants) => {
    const contenders = entrants.map(({ contender }) => contender);
    return takeTurns(stage.cores, contenders, effort, fail, progress);
  });
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
  await warmUp(cores, contenders, effort, fail, progress);
  for (let turn = 0; turn < effort.rounds; turn++) {
    for (let i = 0; i < contenders.length; i++) {
      const contender = contenders[(i + turn) % contenders.length]!;
      progress(`${contender.workload}: ${contender.peer}, ${turn + 1} of ${effort.rounds}`);
      const sample = await round(cores, contender, effort.seconds, fail);
      if (sample) samples.get(contender)!.push({ ...sample, round: turn });
    }
  }
  return contenders.map((contender) => resultOf(contender, samples.get(contender)!));
}

/** Has each do its work before it is measured. */
export async function warmUp(
  cores: Cores,
  contenders: readonly Contender[],
  { warmUpSeconds }: Effort,
  fail: (failure: Failure) => void,
  progress: (what: string) => void,
): Promise<void> {
  for (const contender of contenders) {
    progress(`${contender.workload}: ${contender.peer} warms up`);
    await round(cores, contender, warmUpSeconds * (contender.warmUp ?? 1), fail);
  }
}

export function resultOf(contender: Contender, samples: readonly Sample[]): Result {
  const { group, workload, title, peer } = contender;
  return { group, workload, title, peer, unit: 'µs', samples };
}

/** One turn; what went wrong in it is told. */
export async function round(
  cores: Cores,
  contender: Contender,
  seconds: number,
  fail: (failure: Failure) => void,
): Promise<Measurement | undefined> {
  try {
    const session = await contender.open();
    try {
      const usage = new Usage(contender.pids, cores.proxy);
      usage.begin();
      const outcome = await session.run(seconds);
      usage.end();
      return judge(contender, outcome, usage, fail);
    } finally {
      await session.close();
    }
  } catch (error) {
    fail(failureBy(error, contender));
  }
  return undefined;
}

/** What the work cost; nothing where none was done. What went wrong is reported. */
export function judge(
  contender: Contender,
  outcome: Outcome,
  usage: Usage,
  fail: (failure: Failure) => void,
): Measurement | undefined {
  const report = (what: string) => fail(failureOf(contender, what));
  outcome.failures.forEach(report);
  const lost = contender.lost?.();
  if (lost !== undefined) report(lost);
  if (outcome.units > 0) return usage.of(outcome);
  report('not one unit of work was done');
  return undefined;
}

/** CPU time that a proxy uses between each `begin` and `end`, and what others use of its core, where that is told. */
export class Usage {
  readonly #pids: readonly number[];
  readonly #core: number | undefined;
  #cpuNs = 0;
  #coreNs = 0;

  constructor(pids: readonly number[], core?: number) {
    this.#pids = pids;
    this.#core = core;
  }

  /** @throws Error where a process of the proxy has ended. */
  begin(): void {
    this.#coreNs -= this.#busyNs();
    this.#cpuNs -= cpuNanoseconds(this.#pids);
  }

  /** @throws Error where a process of the proxy has ended. */
  end(): void {
    this.#cpuNs += cpuNanoseconds(this.#pids);
    this.#coreNs += this.#busyNs();
  }

  /** For what was done in the meantime. */
  of({ units, seconds, p50Ms, p99Ms }: Outcome): Measurement {
    const others = Math.max(0, (this.#coreNs - this.#cpuNs) / 1e9 / seconds);
    return {
      cost: this.#cpuNs / 1_000 / units,
      units,
      perSecond: units / seconds,
      p50Ms,
      p99Ms,
      busy: this.#cpuNs / 1e9 / seconds,
      ...(Number.isNaN(others) ? {} : { others }),
      memoryMiB: memoryKiB(this.#pids) / 1024,
    };
  }

  #busyNs(): number {
    return coreNanoseconds(this.#core) ?? Number.NaN;
  }
}
