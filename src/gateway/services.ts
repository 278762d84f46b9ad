import { Service, type ServiceOptions } from './service.ts';

/** What the services of a gateway share. */
export type Shared = Pick<ServiceOptions, 'config' | 'tls' | 'limit' | 'logger'>;

/** The portal, as it is configured. */
export function portalService(shared: Shared): Service {
  const { config } = shared;
  return new Service({
    ...shared,
    logger: shared.logger.child({ service: 'portal' }),
    service: 'portal',
    backends: config.PORTAL_BACKENDS,
    check: {
      method: config.PORTAL_HEALTH_METHOD,
      path: config.PORTAL_HEALTH_PATH,
      host: config.PORTAL_HEALTH_HOST,
      expect: config.PORTAL_HEALTH_EXPECT,
      timeoutMs: config.HEALTH_TIMEOUT,
    },
    rootRedirect: config.PORTAL_ROOT_REDIRECT,
    deny: config.PORTAL_DENY,
    affinityCookie: config.PORTAL_AFFINITY === 'cookie' ? config.PORTAL_AFFINITY_COOKIE : undefined,
  });
}

/** The console, as it is configured; undefined where it is off. */
export function consoleService(shared: Shared): Service | undefined {
  const { config } = shared;
  if (!config.CONSOLE_LISTEN || !config.CONSOLE_BACKENDS) return undefined;
  return new Service({
    ...shared,
    logger: shared.logger.child({ service: 'console' }),
    service: 'console',
    backends: config.CONSOLE_BACKENDS,
    check: {
      method: config.CONSOLE_HEALTH_METHOD,
      path: config.CONSOLE_HEALTH_PATH,
      host: config.CONSOLE_HEALTH_HOST,
      expect: config.CONSOLE_HEALTH_EXPECT,
      timeoutMs: config.HEALTH_TIMEOUT,
    },
  });
}
