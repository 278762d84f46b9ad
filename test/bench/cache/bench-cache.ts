import { freePorts } from '../../support/free-port.ts';
import type { Contender } from '../contenders.ts';
import type { Session } from '../loads/workload.ts';
import { takeTurns } from '../measure-turns.ts';
import type { Options } from '../options.ts';
import { programVersions } from '../programs.ts';
import { type Measured, progress } from '../report.ts';
import { type Failure, medianOf, type Result, sibling } from '../results.ts';
import { onScene, type Scene } from '../scene.ts';
import { CACHE_PEERS, type CachePeer, type RunningCachePeer } from './cache-peers.ts';
import { commandSession, type Verb, verifyStore } from './commands.ts';

const NODES = 3;

interface Target {
  readonly peer: CachePeer;
  readonly running: RunningCachePeer;
}

interface CacheWorkload {
  readonly name: string;
  readonly title: string;
  open(target: Target): Promise<Session>;
}

const CONNECTIONS = 50;
const workload = (verb: Verb, connections: number): CacheWorkload => ({
  name: `cache-${verb}-${connections}`,
  title: `${verb} of 1 KiB, ${connections === 1 ? 'one at a time' : `${connections} connections`}`,
  open: ({ running }) => commandSession(running.port, verb, connections),
});
const WORKLOADS = [CONNECTIONS, 1].flatMap((connections) => [
  workload('get', connections),
  workload('set', connections),
]);

/** The session cache, beside HAProxy in TCP mode and memcached itself. */
export async function benchCache({ effort }: Options): Promise<Measured> {
  const versions = programVersions(CACHE_PEERS.flatMap(({ programs }) => programs));
  const results: Result[] = [];
  const failures: Failure[] = [];
  await onScene(async (scene) => {
    const nodes = await startNodes(scene);
    const targets = await Promise.all(
      CACHE_PEERS.map(async (peer) => {
        const running = await peer.start(scene, nodes);
        await verifyStore(running.port);
        return { peer, running };
      }),
    );
    for (const workload of WORKLOADS) {
      const contenders = targets.map((target) => contenderOf(workload, target));
      const fail = (failure: Failure) => failures.push(failure);
      results.push(...(await takeTurns(scene.cores, contenders, effort, fail, progress)));
    }
  });
  const conclusions = results.flatMap(addedLatency);
  return { effort, versions, peers: CACHE_PEERS, results, failures, conclusions };
}

/** How much longer a command takes than without anything in between, where one is sent at a time. */
function addedLatency(result: Result, _: number, results: readonly Result[]): string[] {
  const direct = sibling(results, result, 'direct');
  if (!direct || direct === result || !result.workload.endsWith('-1')) return [];
  const added = (figure: 'p50Ms' | 'p99Ms') =>
    ((medianOf(result, figure) ?? Number.NaN) - (medianOf(direct, figure) ?? Number.NaN)).toFixed(
      3,
    );
  return [
    `${result.title}, ${result.peer}: +${added('p50Ms')} ms p50, +${added('p99Ms')} ms p99 to direct`,
  ];
}

function contenderOf({ name, title, open }: CacheWorkload, target: Target): Contender {
  const { peer, running } = target;
  return {
    group: name,
    workload: name,
    title,
    peer: peer.name,
    pids: running.pids,
    open: () => open(target),
    assertRunning: running.assertRunning,
  };
}

/** Three memcached, on the load's core. */
async function startNodes({ children, cores }: Scene): Promise<number[]> {
  const ports = await freePorts(NODES);
  // Started by root it asks for a user; as another one it would outlive a bench that is killed.
  const user = process.getuid?.() === 0 ? ['-u', 'root'] : [];
  await Promise.all(
    ports.map((port) => {
      const address = ['-l', '127.0.0.1', '-p', String(port), '-U', '0'];
      // One thread, for one core; room enough that nothing is evicted.
      const command = ['memcached', ...user, ...address, '-m', '256', '-t', '1'];
      return children.start(command, { core: cores.load }).listening(port);
    }),
  );
  return ports;
}
