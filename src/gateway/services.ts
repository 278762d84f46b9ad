import type { Config } from '../config.ts';
import type { TlsContexts } from '../listener/tls-contexts.ts';
import type { Logger } from '../log.ts';
import { Service } from './service.ts';

/** The portal, as it is configured. */
export function portalService(config: Config, tls: TlsContexts, logger: Logger): Service {
  return new Service({
    config,
    tls,
    logger,
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
export function consoleService(
  config: Config,
  tls: TlsContexts,
  logger: Logger,
): Service | undefined {
  if (!config.CONSOLE_LISTEN || !config.CONSOLE_BACKENDS) return undefined;
  return new Service({
    config,
    tls,
    logger,
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
