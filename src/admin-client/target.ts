import { ConfigError } from '../config.ts';
import { hostAndPort, type ListenAddress, reachedAt } from '../config-values.ts';
import { UsageError } from '../errors.ts';
import type { Trust } from './trust.ts';

/** The admin listener of a gateway, and what it is to be shown. */
export interface AdminTarget {
  readonly url: URL;
  readonly token: string | undefined;
  /** How its certificate is verified, where that is not as everywhere. */
  readonly trust?: Trust | undefined;
}

/** The settings that a target is made of. */
export interface TargetSettings {
  readonly ADMIN_LISTEN: ListenAddress | undefined;
  readonly ADMIN_TOKEN: string | undefined;
  readonly ADMIN_TLS: boolean;
}

/**
 * The admin listener of these settings, or at the address that was given instead.
 * @throws ConfigError where they have no such address, UsageError where what was given is none.
 */
export function adminTarget(
  { ADMIN_LISTEN: listen, ADMIN_TOKEN: token, ADMIN_TLS: secure }: TargetSettings,
  given?: string,
): AdminTarget {
  if (given !== undefined) return { url: adminUrl(given), token };
  if (!listen || listen.port === 0) {
    const problem = `${listen ? 'is any port' : 'is off'}, so there is nobody to ask; name the gateway with --admin http://host:port`;
    throw new ConfigError([{ name: 'ADMIN_LISTEN', value: undefined, problem }]);
  }
  const where = hostAndPort(reachedAt(listen));
  return { url: new URL(`${secure ? 'https' : 'http'}://${where}/`), token };
}

/** Where a password is part of it, it is not shown. */
function adminUrl(given: string): URL {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return url;
  throw new UsageError(
    '--admin is not the address of an admin listener; write http://host:port or https://host:port, and no more',
  );
}
