import type { Config } from '../config.ts';
import type { BackendAddress } from '../upstream/backend-address.ts';
import type { HttpCheck } from '../upstream/http-check.ts';

/** One service as it is configured, in so far as both planes have to know it. */
export interface ServiceConfig {
  /** A word for logs and messages. */
  readonly service: 'portal' | 'console';
  readonly backends: readonly BackendAddress[];
  readonly check: HttpCheck;
  readonly rootRedirect?: string | undefined;
  readonly deny?: readonly string[];
  readonly affinityCookie?: string | undefined;
}

/** The portal, as it is configured. */
export function portalConfig(config: Config): ServiceConfig {
  return {
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
  };
}

/** The console, as it is configured; undefined where it is off. */
export function consoleConfig(config: Config): ServiceConfig | undefined {
  if (!config.CONSOLE_LISTEN || !config.CONSOLE_BACKENDS) return undefined;
  return {
    service: 'console',
    backends: config.CONSOLE_BACKENDS,
    check: {
      method: config.CONSOLE_HEALTH_METHOD,
      path: config.CONSOLE_HEALTH_PATH,
      host: config.CONSOLE_HEALTH_HOST,
      expect: config.CONSOLE_HEALTH_EXPECT,
      timeoutMs: config.HEALTH_TIMEOUT,
    },
  };
}

/** All that are configured. */
export function serviceConfigs(config: Config): ServiceConfig[] {
  return [portalConfig(config), consoleConfig(config)].filter((service) => service !== undefined);
}
