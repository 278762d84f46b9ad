import { ConfigError } from '../config.ts';
import { type ListenAddress, reachedAt } from '../config-values.ts';
import { UsageError } from '../errors.ts';

/** The admin listener of a gateway, and what it is to be shown. */
export interface AdminTarget {
  readonly url: URL;
  readonly token: string | undefined;
}

/** The settings that a target is made of. */
export interface TargetSettings {
  readonly ADMIN_LISTEN: ListenAddress | undefined;
  readonly ADMIN_TOKEN: string | undefined;
}

/**
 * The admin listener of these settings, or at the address that was given instead.
 * @throws ConfigError where they have no such address, UsageError where what was given is none.
 */
export function adminTarget(
  { ADMIN_LISTEN: listen, ADMIN_TOKEN: token }: TargetSettings,
  given?: string,
): AdminTarget {
  if (given !== undefined) return { url: adminUrl(given), token };
  if (!listen || listen.port === 0) {
    const problem = `${listen ? 'is any port' : 'is off'}, so there is nobody to ask; name the gateway with --admin http://host:port`;
    throw new ConfigError([{ name: 'ADMIN_LISTEN', value: undefined, problem }]);
  }
  const { host, port } = reachedAt(listen);
  return { url: new URL(`http://${host.includes(':') ? `[${host}]` : host}:${port}/`), token };
}

/** Where a password is part of it, it is not shown. */
function adminUrl(given: string): URL {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return url;
  throw new UsageError(
    '--admin is not the address of an admin listener; write http://host:port, and no more',
  );
}
