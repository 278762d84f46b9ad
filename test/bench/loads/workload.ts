import type { Cores } from '../cores.ts';
import type { RunningPeer } from '../peers/peer.ts';

/** What a load did with a proxy. */
export interface Outcome {
  /** Units of work that were done, and found right. */
  readonly units: number;
  readonly seconds: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  /** What went wrong; any entry makes the bench fail. */
  readonly failures: readonly string[];
}

/** A load that stands ready, with its connections open. */
export interface Session {
  /** Works for about so many seconds (wrk knows whole ones only, at least one), finishes what is under way, and stops. */
  run(seconds: number): Promise<Outcome>;
  close(): Promise<void>;
}

/** A load that can be paused within an instant, its connections open; from the start it is. */
export interface SteadyLoad {
  resume(): void;
  pause(): void;
  /** Ends it, and tells what it did in all; not how long that took, which the pauses are no part of. */
  finish(): Promise<Omit<Outcome, 'seconds'>>;
  /** Ends it, whatever it does; nothing where it has ended. */
  kill(): void;
}

/** One line of the benchmark. */
export interface Workload {
  readonly name: string;
  readonly title: string;
  /** Portal backends that the proxies have. */
  readonly backends: number;
  /** Websockets that stand open through the proxy meanwhile, with nothing on them. */
  readonly idleTunnels: number;
  /** Processes that serve clients, each on a core that it shares with a load and `backends` of its own. */
  readonly workers?: number;
  /** Further settings of the proxy, where it has such. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Times as long as others (1) it warms up, where V8 takes longer to compile what does it. */
  readonly warmUp?: number;
  /** Only peers that listen without TLS can do it. */
  readonly plain?: boolean;
  open(target: RunningPeer, cores: Cores): Promise<Session>;
}

/** One whose load can be paused. */
export interface SteadyWorkload extends Workload {
  /** The same work, which ends by itself after so many seconds. */
  steady(target: RunningPeer, cores: Cores, mostSeconds: number): SteadyLoad;
}
