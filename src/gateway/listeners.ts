import type { Config } from '../config.ts';
import type { ListenAddress } from '../config-values.ts';

/** Listeners of the data plane. */
export type DataListener = 'portal' | 'console' | 'plain' | 'redirect';

export type ListenerName = DataListener | 'cache' | 'admin';

/** Where a listener is to listen, and the setting that says so. */
export interface ListenerConfig<N extends ListenerName = ListenerName> {
  readonly name: N;
  readonly setting: string;
  readonly address: ListenAddress;
  /** The supervisor itself speaks TLS there; workers know of theirs by the name. */
  readonly secure?: boolean;
}

/**
 * How often a worker has each listening socket. From each of them Node accepts one connection in a turn
 * of the event loop (libuv), so that a client behind a crowd would wait in the kernel for as many turns
 * as the crowd has members, and long ones, as each member is served meanwhile. Accepting is cheap, and
 * who has been accepted can be served in turns by address.
 */
export const ACCEPTED_PER_TURN = 8;

/** The listeners of the data plane that are on, in the order in which they are bound. */
export function dataListeners(config: Config): ListenerConfig<DataListener>[] {
  return [
    listener('portal', 'PORTAL_LISTEN', config.PORTAL_LISTEN),
    listener('console', 'CONSOLE_LISTEN', config.CONSOLE_BACKENDS && config.CONSOLE_LISTEN),
    listener('plain', 'PORTAL_PLAIN_LISTEN', config.PORTAL_PLAIN_LISTEN),
    listener('redirect', 'PORTAL_REDIRECT_LISTEN', config.PORTAL_REDIRECT_LISTEN),
  ].filter((entry) => entry !== undefined);
}

export function isDataListener(name: ListenerName): name is DataListener {
  return name !== 'cache' && name !== 'admin';
}

/** All that are on, each with how many sockets it is to have: one for each who accepts. */
export function listenersOf(
  config: Config,
  workers: number,
): (ListenerConfig & { readonly sockets: number })[] {
  const admin = listener('admin', 'ADMIN_LISTEN', config.ADMIN_LISTEN);
  const single = [
    listener('cache', 'CACHE_LISTEN', config.CACHE_LISTEN),
    admin && { ...admin, secure: config.ADMIN_TLS },
  ].filter((entry) => entry !== undefined);
  return [
    ...dataListeners(config).map((entry) => ({ ...entry, sockets: workers })),
    ...single.map((entry) => ({ ...entry, sockets: 1 })),
  ];
}

function listener<N extends ListenerName>(
  name: N,
  setting: string,
  address: ListenAddress | undefined,
): ListenerConfig<N> | undefined {
  return address && { name, setting, address };
}
