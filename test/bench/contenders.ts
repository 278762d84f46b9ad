import { messageOf } from '../../src/errors.ts';
import type { Cores } from './cores.ts';
import { type Instance, type Stage, startInstance } from './instance.ts';
import type { Session, Workload } from './loads/workload.ts';
import type { Peer } from './peers/peer.ts';
import type { Failure } from './results.ts';

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

/** A contender, and what it was made of. */
export interface Entrant<W extends Workload> {
  readonly workload: W;
  readonly instance: Instance;
  readonly contender: Contender;
}

/** Of which workloads with which peers contenders are made. */
export interface Field<W extends Workload> {
  readonly name: string;
  readonly workloads: readonly W[];
  readonly peers: readonly Peer[];
  /** One starts after the other: those that compete for the core when they start are compiled differently. */
  readonly inTurn: boolean;
}

/**
 * Starts each workload's peers, has them measured, and stops them, whatever happens. What cannot be
 * started, or speaks another TLS than the first, is told to `fail`.
 */
export async function withEntrants<W extends Workload, T>(
  stage: Stage,
  { name, workloads, peers, inTurn }: Field<W>,
  fail: (failure: Failure) => void,
  work: (entrants: readonly Entrant<W>[]) => Promise<T>,
): Promise<T> {
  const instances: Instance[] = [];
  try {
    const pairs = workloads.flatMap((workload) =>
      peers.filter(({ plain }) => plain || !workload.plain).map((peer) => ({ workload, peer })),
    );
    const start = async ({ workload, peer }: (typeof pairs)[number]) => {
      try {
        const instance = await startInstance(stage, peer, workload);
        instances.push(instance);
        const contender = contenderOf(name, workload, instance, stage.cores);
        return { workload, instance, contender };
      } catch (error) {
        fail({ workload: workload.name, peer: peer.name, what: (error as Error).message });
        return undefined;
      }
    };
    const started = inTurn
      ? await Array.fromAsync(pairs, start)
      : await Promise.all(pairs.map(start));
    assertSameTls(name, instances, fail);
    return await work(started.filter((entrant) => entrant !== undefined));
  } finally {
    await Promise.all(instances.map((instance) => instance.stop()));
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

/** That something went wrong with a contender. */
export function failureOf({ workload, peer }: Contender, what: string): Failure {
  return { workload, peer, what };
}

/** The same of an error; that the proxy has ended, and what it said, is the better explanation. */
export function failureBy(error: unknown, contender: Contender): Failure {
  try {
    contender.assertRunning();
  } catch (end) {
    return failureOf(contender, (end as Error).message);
  }
  return failureOf(contender, messageOf(error));
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
