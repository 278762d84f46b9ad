import type { AddressInfo } from 'node:net';
import { type BoundSocket, bindBeside, bindSockets } from '../listener/bound-socket.ts';
import type { ListenerConfig, ListenerName } from './listeners.ts';

/** A listener that is bound, with a socket for each process that is to accept from it. */
export interface BoundListener {
  readonly config: ListenerConfig;
  readonly address: AddressInfo;
  readonly sockets: readonly BoundSocket[];
}

export type BoundListeners = ReadonlyMap<ListenerName, BoundListener>;

/**
 * Binds listeners, but for those that are bound already on the same address with enough sockets.
 * @throws ListenError; what was bound here is let go then.
 */
export async function bindListeners(
  wanted: readonly (ListenerConfig & { readonly sockets: number })[],
  held: BoundListeners,
): Promise<BoundListeners> {
  const bound = new Map<ListenerName, BoundListener>();
  try {
    for (const { sockets: count, ...config } of wanted) {
      const known = [...held.values()].find((other) => isSame(other.config, config));
      const sockets = known
        ? known.sockets.slice(0, count)
        : await bindSockets(config.setting, config.address, count);
      const { address } = sockets[0]!;
      bound.set(config.name, { config, address, sockets });
      while (sockets.length < count) sockets.push(bindBeside(config.setting, address));
    }
    return bound;
  } catch (error) {
    closeUnused(bound, held);
    throw error;
  }
}

/** Closes sockets that only the first of the two has. */
export function closeUnused(listeners: BoundListeners, kept: BoundListeners): void {
  const used = new Set([...kept.values()].flatMap(({ sockets }) => sockets));
  for (const { sockets } of listeners.values()) {
    for (const socket of sockets) if (!used.has(socket)) socket.close();
  }
}

/** Whatever their names are; but a free port was chosen for one listener only. */
function isSame(one: ListenerConfig, other: ListenerConfig): boolean {
  const { host, port } = one.address;
  if (host !== other.address.host || port !== other.address.port) return false;
  return port !== 0 || one.name === other.name;
}
