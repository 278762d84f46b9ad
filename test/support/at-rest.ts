import type { Gateway } from '../../src/gateway/gateway.ts';
import { openSocketsOf } from './process-sockets.ts';
import { until } from './until.ts';

interface AdminState {
  readonly services: readonly {
    readonly queued: number;
    readonly tunnels: number;
    readonly backends: readonly { readonly active: number }[];
  }[];
}

/** What the admin listener of a gateway tells of its first service. */
export async function loadOf(
  gateway: Gateway,
): Promise<{ active: number; queued: number; tunnels: number }> {
  const answer = await fetch(`http://127.0.0.1:${gateway.addresses.admin!.port}/api/state`);
  const { queued, tunnels, backends } = ((await answer.json()) as AdminState).services[0]!;
  return { active: backends.reduce((sum, { active }) => sum + active, 0), queued, tunnels };
}

/** The gateway's own ends of connections: of its portal's clients, and to a backend. */
export function endsOf(gateway: Gateway, backendPort: number): string[] {
  const { port } = gateway.addresses.portal!;
  return openSocketsOf(process.pid)
    .filter(({ localPort, remotePort }) => localPort === port || remotePort === backendPort)
    .map(({ localPort, state }) => (localPort === port ? `client ${state}` : `backend ${state}`));
}

/**
 * Resolves when a gateway of this process holds no lease, no place in its queue, no tunnel and no
 * connection; rejects after `withinMs` with what it still holds.
 */
export async function atRest(
  gateway: Gateway,
  backendPort: number,
  withinMs: number,
): Promise<void> {
  let held = '';
  await until(
    'the gateway is at rest',
    async () => {
      const load = await loadOf(gateway);
      const ends = endsOf(gateway, backendPort);
      held = `${JSON.stringify(load)} ${ends}`;
      return load.active + load.queued + load.tunnels + ends.length === 0;
    },
    withinMs,
  ).catch(() => {
    throw new Error(`after ${withinMs} ms the gateway still holds ${held}`);
  });
}
