import type { Config } from '../config.ts';
import type { Logger } from '../log.ts';
import { type Dashgate, dashgate } from '../middleware/dashgate.ts';

/** The balanced portal, as it is configured. */
export function portalGate(config: Config, logger: Logger): Dashgate {
  return dashgate({
    ...common(config),
    service: 'portal',
    logger,
    backends: config.PORTAL_BACKENDS,
    affinityCookie: config.PORTAL_AFFINITY === 'cookie' ? config.PORTAL_AFFINITY_COOKIE : undefined,
    health: {
      ...commonHealth(config),
      method: config.PORTAL_HEALTH_METHOD,
      path: config.PORTAL_HEALTH_PATH,
      expect: config.PORTAL_HEALTH_EXPECT,
      host: config.PORTAL_HEALTH_HOST,
    },
  });
}

/** The balanced console, as it is configured; undefined where it is off. */
export function consoleGate(config: Config, logger: Logger): Dashgate | undefined {
  if (!config.CONSOLE_LISTEN || !config.CONSOLE_BACKENDS) return undefined;
  return dashgate({
    ...common(config),
    service: 'console',
    logger,
    backends: config.CONSOLE_BACKENDS,
    health: {
      ...commonHealth(config),
      method: config.CONSOLE_HEALTH_METHOD,
      path: config.CONSOLE_HEALTH_PATH,
      expect: config.CONSOLE_HEALTH_EXPECT,
      host: config.CONSOLE_HEALTH_HOST,
    },
  });
}

function common(config: Config) {
  return {
    retries: config.RETRIES,
    queueLimit: config.QUEUE_LIMIT,
    trustedProxies: config.TRUSTED_PROXIES,
    timeouts: {
      connectMs: config.CONNECT_TIMEOUT,
      serverMs: config.SERVER_TIMEOUT,
      clientMs: config.CLIENT_TIMEOUT,
      queueMs: config.QUEUE_TIMEOUT,
      tunnelMs: config.TUNNEL_TIMEOUT,
    },
  };
}

function commonHealth(config: Config) {
  return {
    intervalMs: config.HEALTH_INTERVAL,
    timeoutMs: config.HEALTH_TIMEOUT,
    rise: config.HEALTH_RISE,
    fall: config.HEALTH_FALL,
  };
}
