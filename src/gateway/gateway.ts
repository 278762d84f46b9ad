import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdmin } from '../admin/admin.ts';
import type { Config } from '../config.ts';
import type { ListenAddress } from '../config-values.ts';
import { listen } from '../listener/listen.ts';
import type { Logger } from '../log.ts';
import { Cluster } from '../memcached/cluster.ts';
import { createPeerReader } from '../middleware/peer.ts';
import { consoleGate, portalGate } from './gates.ts';
import { createRedirector } from './redirector.ts';
import { createService } from './service.ts';
import { Shutdown } from './shutdown.ts';

export type ListenerName = 'portal' | 'console' | 'redirect' | 'admin';

/** A running gateway. */
export interface Gateway {
  /** Where it listens; what is off is left out. */
  readonly addresses: Readonly<Partial<Record<ListenerName, AddressInfo>>>;
  /** Resolves when every backend has been checked once. */
  readonly checked: Promise<void>;
  /**
   * Stops: no new connections, `SHUTDOWN_TIMEOUT` for open requests to finish, websockets end.
   * Resolves when nothing is left open.
   */
  close(): Promise<void>;
}

/**
 * Starts a gateway: both services, the redirector and the admin listener, from one configuration.
 * @throws ListenError where an address cannot be bound; nothing is left running then.
 */
export async function startGateway(
  config: Config,
  { logger }: { readonly logger: Logger },
): Promise<Gateway> {
  warnOfExpiry(config, logger);
  const cluster = new Cluster({
    nodes: config.MEMCACHED_SERVERS,
    placement: config.MEMCACHED_PLACEMENT,
    onNodeState: (node, state, error) => {
      if (state === 'up') logger.info({ node }, 'memcached node is up');
      else logger.warn({ node, detail: error?.message }, 'memcached node is unavailable');
    },
  });
  const portalLogger = logger.child({ service: 'portal' });
  const consoleLogger = logger.child({ service: 'console' });
  const portal = portalGate(config, portalLogger);
  const novnc = consoleGate(config, consoleLogger);
  const gates = novnc ? [portal, novnc] : [portal];
  const readPeer = createPeerReader(config.TRUSTED_PROXIES);
  const addresses: Partial<Record<ListenerName, AddressInfo>> = {};
  const shutdowns = new Map<ListenerName, Shutdown>();
  let stopping = false;

  async function open(name: ListenerName, setting: string, address: ListenAddress, server: Server) {
    shutdowns.set(name, new Shutdown(server));
    addresses[name] = await listen(server, setting, address);
    logger.info({ listener: name, ...addresses[name] }, 'listening');
  }

  async function close(): Promise<void> {
    stopping = true;
    for (const gate of gates) gate.close();
    const { admin, ...services } = Object.fromEntries(shutdowns);
    const run = (shutdown: Shutdown) => shutdown.run(config.SHUTDOWN_TIMEOUT);
    await Promise.all(Object.values(services).map(run));
    // Last, so that whoever watches can see the gateway stop.
    if (admin) await run(admin);
    cluster.close();
  }

  try {
    const portalServer = createService({
      config,
      gate: portal,
      readPeer,
      logger: portalLogger,
      rootRedirect: config.PORTAL_ROOT_REDIRECT,
      deny: config.PORTAL_DENY,
    });
    await open('portal', 'PORTAL_LISTEN', config.PORTAL_LISTEN, portalServer);
    if (config.CONSOLE_LISTEN && novnc) {
      const server = createService({ config, gate: novnc, readPeer, logger: consoleLogger });
      await open('console', 'CONSOLE_LISTEN', config.CONSOLE_LISTEN, server);
    }
    if (config.PORTAL_REDIRECT_LISTEN) {
      const server = createRedirector(addresses.portal!.port, config.HEADER_TIMEOUT);
      await open('redirect', 'PORTAL_REDIRECT_LISTEN', config.PORTAL_REDIRECT_LISTEN, server);
    }
    if (config.ADMIN_LISTEN) {
      const server = createAdmin({ gates, cluster, isStopping: () => stopping });
      await open('admin', 'ADMIN_LISTEN', config.ADMIN_LISTEN, server);
    }
  } catch (error) {
    await close();
    throw error;
  }
  // The log tells of nodes that are away from the start; nothing waits for them.
  void cluster.ping();
  const checked = Promise.all(gates.map((gate) => gate.checked)).then(() => {});
  return { addresses, checked, close };
}

const MONTH_MS = 30 * 24 * 3_600_000;

function warnOfExpiry({ keyPair }: Config, logger: Logger): void {
  const left = keyPair.validTo.getTime() - Date.now();
  if (left > MONTH_MS) return;
  logger.warn(
    { names: keyPair.names, validTo: keyPair.validTo },
    left > 0 ? 'TLS_CERT expires within a month' : 'TLS_CERT has expired; browsers will refuse it',
  );
}
