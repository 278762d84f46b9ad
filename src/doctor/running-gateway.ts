import { ask } from '../admin-client/request.ts';
import { adminTarget } from '../admin-client/target.ts';
import type { Config } from '../config.ts';

/** A gateway of this configuration that runs on this host, as its admin listener tells of it. */
export interface RunningGateway {
  /** The processes that serve clients; none where it does not tell. */
  readonly pids: readonly number[];
  /** Other gateways that it shares the memcached nodes with; none where it does not tell. */
  readonly peers: readonly string[];
}

/** How long the admin listener may take for an answer, in ms; it asks memcached for one of the two. */
const ANSWER_MS = 1_500;

/** Looks for a running gateway through ADMIN_LISTEN; never rejects. */
export async function findGateway({
  ADMIN_LISTEN,
  ADMIN_TOKEN,
}: Config): Promise<RunningGateway | undefined> {
  try {
    const target = adminTarget({ ADMIN_LISTEN, ADMIN_TOKEN });
    const answerTo = async (path: string) =>
      (await ask(target, { path, timeoutMs: ANSWER_MS })).body;
    if ((await answerTo('/healthz')) !== 'ok\n') return undefined;
    const state = await answerTo('/api/state').catch(() => '');
    return { pids: pidsIn(state), peers: peersIn(state) };
  } catch {
    return undefined;
  }
}

function pidsIn(state: string): number[] {
  try {
    const { workers } = JSON.parse(state) as { workers: { kind: string; pid: number }[] };
    return workers.filter(({ kind }) => kind === 'relay').map(({ pid }) => pid);
  } catch {
    return [];
  }
}

function peersIn(state: string): string[] {
  try {
    const { shared } = JSON.parse(state) as { shared: { peers: { name: string }[] } };
    return shared.peers.map(({ name }) => name);
  } catch {
    return [];
  }
}
