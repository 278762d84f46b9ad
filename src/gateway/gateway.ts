import type { AddressInfo, Server } from 'node:net';
import { createAdmin } from '../admin/admin.ts';
import type { Config } from '../config.ts';
import type { ListenAddress } from '../config-values.ts';
import { messageOf } from '../errors.ts';
import { ConnectionLimit, clientsWithinOpenFiles } from '../listener/connection-limit.ts';
import { warningsOf } from '../listener/key-pairs.ts';
import { listen } from '../listener/listen.ts';
import { TlsContexts } from '../listener/tls-contexts.ts';
import type { Logger } from '../log.ts';
import { Cluster } from '../memcached/cluster.ts';
import { CacheService } from './cache.ts';
import { createRedirector } from './redirector.ts';
import { consoleService, portalService } from './services.ts';
import { Shutdown } from './shutdown.ts';

export type ListenerName = 'portal' | 'plain' | 'console' | 'redirect' | 'cache' | 'admin';

/** A running gateway. */
export interface Gateway {
  /** Where it listens; what is off is left out. */
  readonly addresses: Readonly<Partial<Record<ListenerName, AddressInfo>>>;
  /** Resolves when every backend has been checked once. */
  readonly checked: Promise<void>;
  /**
   * Reads the certificate files anew, the gateway's own and the authorities of https:// backends: new
   * connections get what is in them now, open ones stay. Files that cannot be used change nothing,
   * and the log says why.
   */
  reloadCertificates(): void;
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
  const contexts = new TlsContexts(config.keyPairs);
  warnOfCertificates(contexts, logger);
  const cluster = new Cluster({
    nodes: config.MEMCACHED_SERVERS,
    placement: config.MEMCACHED_PLACEMENT,
    onNodeState: (node, state, error) => {
      if (state === 'up') logger.info({ node }, 'memcached node is up');
      else logger.warn({ node, detail: error?.message }, 'memcached node is unavailable');
    },
  });
  const limit = new ConnectionLimit(config.MAX_CONNECTIONS ?? clientsWithinOpenFiles(), (max) => {
    const remedy = 'raise MAX_CONNECTIONS, or the limit of open files (LimitNOFILE, ulimit -n)';
    logger.warn({ max, remedy }, 'clients are turned away: too many are connected');
  });
  const shared = { config, tls: contexts, limit, logger };
  const portal = portalService(shared);
  const novnc = consoleService(shared);
  const services = novnc ? [portal, novnc] : [portal];
  const cache = config.CACHE_LISTEN
    ? new CacheService(config, contexts, logger.child({ service: 'cache' }))
    : undefined;
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
    const { admin, cache: door, ...others } = Object.fromEntries(shutdowns);
    const run = (shutdown: Shutdown) => shutdown.run(config.SHUTDOWN_TIMEOUT);
    const stopped = Promise.all(Object.values(others).map(run));
    for (const service of services) service.retire();
    await stopped;
    // The dashboards' answers may have needed it.
    await cache?.close();
    await door?.run(0);
    // Last, so that whoever watches can see the gateway stop.
    if (admin) await run(admin);
    cluster.close();
  }

  function reloadCertificates(): void {
    try {
      contexts.reload();
      warnOfCertificates(contexts, logger);
      logger.info('certificates were read anew');
    } catch (error) {
      logger.error({ detail: messageOf(error) }, 'certificates stay as they were');
    }
    for (const service of services) service.reloadAuthorities();
  }

  try {
    await open('portal', 'PORTAL_LISTEN', config.PORTAL_LISTEN, portal.listener('https'));
    if (config.CONSOLE_LISTEN && novnc) {
      await open('console', 'CONSOLE_LISTEN', config.CONSOLE_LISTEN, novnc.listener('https'));
    }
    if (config.PORTAL_PLAIN_LISTEN) {
      const server = portal.listener('http');
      await open('plain', 'PORTAL_PLAIN_LISTEN', config.PORTAL_PLAIN_LISTEN, server);
    }
    if (config.PORTAL_REDIRECT_LISTEN) {
      const server = createRedirector(addresses.portal!.port, config.HEADER_TIMEOUT);
      await open('redirect', 'PORTAL_REDIRECT_LISTEN', config.PORTAL_REDIRECT_LISTEN, server);
    }
    if (config.CACHE_LISTEN && cache) {
      void cache.start();
      await open('cache', 'CACHE_LISTEN', config.CACHE_LISTEN, cache.server);
    }
    if (config.ADMIN_LISTEN) {
      const server = createAdmin({ services, cluster, cache, isStopping: () => stopping });
      await open('admin', 'ADMIN_LISTEN', config.ADMIN_LISTEN, server);
    }
  } catch (error) {
    await close();
    throw error;
  }
  // The log tells of nodes that are away from the start; nothing waits for them.
  void cluster.ping();
  const checked = Promise.all(services.map((service) => service.checked)).then(() => {});
  return { addresses, checked, close, reloadCertificates };
}

function warnOfCertificates(contexts: TlsContexts, logger: Logger): void {
  for (const pair of contexts.pairs) {
    for (const warning of warningsOf(pair, Date.now())) {
      logger.warn({ certificate: pair.certPath, names: pair.names }, warning);
    }
  }
  for (const { certPath, names } of contexts.unused) {
    logger.warn(
      { certificate: certPath, names },
      'the certificate serves no name: one before it has the same',
    );
  }
}
