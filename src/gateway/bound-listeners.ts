import type { AddressInfo } from 'node:net';
import type { Config } from '../config.ts';
import { type BoundSocket, bindBeside, bindSockets } from '../listener/bound-socket.ts';
import { isAddressAbsent } from '../listener/listen.ts';
import type { ListenerConfig, ListenerName } from './listeners.ts';

/** A listener that is bound, with a socket for each process that is to accept from it. */
export interface BoundListener {
  readonly config: ListenerConfig;
  readonly address: AddressInfo;
  readonly sockets: readonly BoundSocket[];
}

export type BoundListeners = ReadonlyMap<ListenerName, BoundListener>;

/** What could be bound, and what waits for its address to come. */
export interface Bindings {
  readonly listeners: BoundListeners;
  readonly awaited: readonly ListenerConfig[];
}

/**
 * Binds listeners, but for those that are bound already on the same address with enough sockets. One
 * whose address is not on this host waits for it, unless it serves elsewhere: that is not let go for an
 * address that may be a slip of the pen.
 * @throws ListenError; what was bound here is let go then.
 */
export async function bindListeners(
  wanted: readonly (ListenerConfig & { readonly sockets: number })[],
  held: BoundListeners,
): Promise<Bindings> {
  const bound = new Map<ListenerName, BoundListener>();
  const awaited: ListenerConfig[] = [];
  try {
    for (const { sockets: count, ...config } of wanted) {
      const known = [...held.values()].find((other) => isSame(other.config, config));
      const sockets = known
        ? socketsOf(known, config, count)
        : await bindUnlessAbsent(config, count, held);
      if (!sockets) {
        awaited.push(config);
        continue;
      }
      const { address } = sockets[0]!;
      bound.set(config.name, { config, address, sockets });
      while (sockets.length < count) sockets.push(bindBeside(config.setting, address));
    }
    return { listeners: bound, awaited };
  } catch (error) {
    closeUnused(bound, held);
    throw error;
  }
}

async function bindUnlessAbsent(
  { name, setting, address }: ListenerConfig,
  count: number,
  held: BoundListeners,
): Promise<BoundSocket[] | undefined> {
  try {
    return await bindSockets(setting, address, count);
  } catch (error) {
    if (isAddressAbsent(error) && !held.has(name)) return undefined;
    throw error;
  }
}

/** The port of the portal, also while that waits for its address. */
export function portalPortOf({ PORTAL_LISTEN }: Config, listeners: BoundListeners): number {
  return listeners.get('portal')?.address.port ?? PORTAL_LISTEN.port;
}

/** Closes sockets that only the first of the two has. */
export function closeUnused(listeners: BoundListeners, kept: BoundListeners): void {
  const used = new Set([...kept.values()].flatMap(({ sockets }) => sockets));
  for (const { sockets } of listeners.values()) {
    for (const socket of sockets) if (!used.has(socket)) socket.close();
  }
}

/** Those of a listener that is bound; what is to be served with TLS now, or without, is another one's. */
function socketsOf(
  { config, address, sockets }: BoundListener,
  { setting, secure = false }: ListenerConfig,
  count: number,
): BoundSocket[] {
  if (secure === (config.secure ?? false)) return sockets.slice(0, count);
  return [bindBeside(setting, address)];
}

/** Whatever their names are; but a free port was chosen for one listener only. */
function isSame(one: ListenerConfig, other: ListenerConfig): boolean {
  const { host, port } = one.address;
  if (host !== other.address.host || port !== other.address.port) return false;
  return port !== 0 || one.name === other.name;
}
