import { isRemoteState } from '../admin-client/remote-state.ts';
import { ask, jsonOf } from '../admin-client/request.ts';
import { adminTarget } from '../admin-client/target.ts';
import { ANYBODY, trustIn } from '../admin-client/trust.ts';
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
export async function findGateway(config: Config): Promise<RunningGateway | undefined> {
  try {
    const target = adminTarget(config);
    // One with another certificate than that of the files runs, too, but is shown no token.
    const stranger = { ...target, token: undefined, trust: ANYBODY };
    const alive = await ask(stranger, { path: '/healthz', timeoutMs: ANSWER_MS });
    if (alive.body !== 'ok\n') return undefined;
    const { adminKeyPair } = config;
    const known = { ...target, trust: adminKeyPair && trustIn(adminKeyPair.leaf) };
    const state = ask(known, { path: '/api/state', timeoutMs: ANSWER_MS });
    return toldBy(await state.then(jsonOf, () => undefined));
  } catch {
    return undefined;
  }
}

/** What a state tells, which is nothing where the gateway lets nobody see it. */
function toldBy(state: unknown): RunningGateway {
  if (!isRemoteState(state)) return { pids: [], peers: [] };
  const { workers = [], shared } = state;
  return {
    pids: workers.filter(({ kind }) => kind === 'relay').map(({ pid }) => pid),
    peers: shared?.peers.map(({ name }) => name) ?? [],
  };
}
