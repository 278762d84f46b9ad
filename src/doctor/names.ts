import { isIPv6 } from 'node:net';
import type { Config } from '../config.ts';
import { listenersOf } from '../gateway/listeners.ts';
import { serviceConfigs } from '../gateway/services.ts';
import { parseNode } from '../memcached/node-address.ts';
import type { Check } from './check.ts';
import type { Observation, Report } from './finding.ts';
import type { Addresses, Lookup } from './name-lookup.ts';

type Use = 'backend' | 'memcached node' | 'listener';

interface NamedHost {
  readonly host: string;
  readonly use: Use;
  /** Who names it. */
  readonly by: string;
}

/** All hosts that a configuration names, some more than once. */
export function hostsOf(config: Config): string[] {
  return namedHosts(config).map(({ host }) => host);
}

/** Whether the names in the configuration resolve, and to what. */
export function namesCheck(addresses: Addresses): Check {
  return {
    name: 'names',
    run({ config }, report) {
      const byHost = Map.groupBy(namedHosts(config), ({ host }) => host);
      let literal = 0;
      for (const [host, named] of byHost) {
        const lookup = addresses.get(host);
        if (lookup?.addresses?.[0] === host) literal += 1;
        else if (lookup) tell(host, named, lookup, report);
      }
      if (literal === 0) return;
      const detail = `${literal} of ${byHost.size} written as addresses, which need no name server`;
      report({ severity: 'ok', subject: 'hosts', detail });
    },
  };
}

function tell(host: string, named: readonly NamedHost[], lookup: Lookup, report: Report): void {
  const users = [...new Set(named.map(({ by }) => by))].join(', ');
  if (lookup.error !== undefined) {
    const remedy = lookup.unanswered
      ? 'look whether the name servers of /etc/resolv.conf answer, or write it into /etc/hosts'
      : 'correct the name, or write it into DNS or /etc/hosts of this host';
    const detail = `${lookup.error}; it is named by ${users}`;
    report({ severity: 'error', subject: host, detail, remedy });
    return;
  }
  const { addresses } = lookup;
  const found = `${addresses.join(', ')} (${users})`;
  const several = addresses.length > 1 ? severalAddresses(addresses, named) : undefined;
  report({ severity: 'ok', subject: host, detail: found, ...several });
}

const SEVERAL: Readonly<Record<Use, string>> = {
  backend:
    'it is one backend, reached at the first address that answers; name each server as a backend of its own',
  'memcached node':
    'clients may reach different servers under one name; name each node by a name or address of its own',
  listener: 'only the first address is listened on; write the address itself',
};

/** One host with an IPv4 and an IPv6 address is usual; anything else is several hosts, or may be. */
function severalAddresses(
  addresses: readonly string[],
  named: readonly NamedHost[],
): Pick<Observation, 'severity' | 'detail' | 'remedy'> {
  const six = addresses.filter((address) => isIPv6(address)).length;
  const both = six > 0 && six < addresses.length;
  const uses = [...new Set(named.map(({ use }) => use))];
  const families = both
    ? 'IPv4 and IPv6, tried in this order, each for a quarter of a second'
    : `${addresses.length} addresses`;
  const detail = `${addresses.join(', ')}: ${families} (${named.map(({ by }) => by).join(', ')})`;
  const usual = both && addresses.length === 2 && !uses.includes('listener');
  return {
    severity: usual ? 'note' : 'warning',
    detail,
    remedy: usual
      ? 'where the server listens on one of the two only, write that address'
      : uses.map((use) => SEVERAL[use]).join('; '),
  };
}

function namedHosts(config: Config): NamedHost[] {
  const backends = serviceConfigs(config).flatMap(({ service, backends }) =>
    backends.map(({ name, url }) => ({
      host: url.hostname.replace(/^\[|\]$/g, ''),
      use: 'backend' as const,
      by: `${service} backend ${name}`,
    })),
  );
  const nodes = config.MEMCACHED_SERVERS.map(parseNode)
    .filter(({ port }) => port !== 0)
    .map(({ host }) => ({ host, use: 'memcached node' as const, by: 'MEMCACHED_SERVERS' }));
  const listeners = listenersOf(config, 1).map(({ setting, address }) => ({
    host: address.host,
    use: 'listener' as const,
    by: setting,
  }));
  return [...backends, ...nodes, ...listeners];
}
