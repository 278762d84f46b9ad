import type { Config } from '../config.ts';
import type { BackendAddress } from '../upstream/backend-address.ts';
import type { EjectionPolicy } from '../upstream/ejection.ts';
import type { HealthCheck } from '../upstream/health-check.ts';
import type { Balance } from '../upstream/selection.ts';
import { consoleCheck, portalCheck } from './checks.ts';

/** One service as it is configured, in so far as both planes have to know it. */
export interface ServiceConfig {
  /** A word for logs and messages. */
  readonly service: 'portal' | 'console';
  readonly backends: readonly BackendAddress[];
  readonly check: HealthCheck;
  readonly balance: Balance;
  readonly ejection: EjectionPolicy | undefined;
  readonly rootRedirect?: string | undefined;
  readonly deny?: readonly string[];
  readonly affinityCookie?: string | undefined;
}

/** The portal, as it is configured. */
export function portalConfig(config: Config): ServiceConfig {
  return {
    service: 'portal',
    backends: config.PORTAL_BACKENDS,
    check: portalCheck(config),
    balance: config.PORTAL_BALANCE,
    ejection: config.PORTAL_EJECTION,
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
    check: consoleCheck(config),
    balance: config.CONSOLE_BALANCE,
    ejection: config.CONSOLE_EJECTION,
    deny: config.PORTAL_DENY,
  };
}

/** All that are configured. */
export function serviceConfigs(config: Config): ServiceConfig[] {
  return [portalConfig(config), consoleConfig(config)].filter((service) => service !== undefined);
}
