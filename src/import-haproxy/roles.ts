import { conditionOf, isWebsocket } from './conditions.ts';
import type { ProxySection, Route } from './proxy-section.ts';

export type Role = 'portal' | 'console';

/** What the operator says, where names do not tell. */
export interface RoleNames {
  readonly portal?: string | undefined;
  readonly console?: string | undefined;
}

/** The frontends and backends of one service. */
export interface Parts {
  readonly role: Role;
  /** Frontends that lead to its backends. */
  readonly fronts: readonly ProxySection[];
  /** Its groups of servers, the one for everything first. */
  readonly backs: readonly Back[];
}

export interface Back {
  readonly proxy: ProxySection;
  /** Only websockets are sent there. */
  readonly websockets: boolean;
}

/** What is known of a proxy by its name: a service of Dashgate's, one of somebody else, or nothing. */
export type Kind = Role | { readonly other: string } | undefined;

const OTHERS: readonly (readonly [RegExp, string])[] = [
  [/spice/i, 'a SPICE console proxy'],
  [/serial/i, 'a serial console proxy'],
  [/xvp/i, 'the XVP VNC proxy'],
  [/keystone|identity/i, 'Keystone'],
  [/glance|image/i, 'Glance'],
  [/placement/i, 'Placement'],
  [/cinder|volume/i, 'Cinder'],
  [/neutron/i, 'Neutron'],
  [/heat|orchestration|cloudformation|cloudwatch/i, 'Heat'],
  [/swift|radosgw|\brgw|ceph/i, 'object storage or Ceph'],
  [
    /barbican|octavia|magnum|manila|designate|ironic|aodh|gnocchi|ceilometer|panko|trove|sahara|mistral|zaqar|murano|masakari|cloudkitty|watcher|blazar|zun|senlin|tacker|vitrage|skyline|cyborg|adjutant/i,
    'another OpenStack service',
  ],
  [
    /rabbit|amqp|mysql|maria|galera|redis|memcache|etcd|postgres|influx|elastic|opensearch|kibana|grafana|prometheus|alertmanager|registry|docker|kubernetes|k8s|letsencrypt|acme|repo/i,
    'a service of the control plane',
  ],
];

const CONSOLE = /no-?vnc|vnc-?proxy|(^|[^a-z])vnc|nova[-_]?console|websock|^consoles?([^a-z]|$)/i;
const PORTAL = /horizon|dashboard|^portal([^a-z]|$)/i;
const NOVA = /nova|compute|ec2/i;

/** What the name of a frontend or backend tells. */
export function kindOfName(name: string): Kind {
  const other = OTHERS.find(([pattern]) => pattern.test(name));
  if (other) return { other: other[1] };
  if (CONSOLE.test(name)) return 'console';
  if (PORTAL.test(name)) return 'portal';
  return NOVA.test(name) ? { other: 'Nova' } : undefined;
}

/** Finds out which proxies make up the portal and the console. */
export class Roles {
  readonly #proxies: readonly ProxySection[];
  readonly #backs: ReadonlyMap<string, ProxySection>;
  readonly #names: RoleNames;

  constructor(proxies: readonly ProxySection[], names: RoleNames) {
    this.#proxies = proxies;
    // Of two with one name, which HAProxy refuses, the first counts.
    this.#backs = new Map(
      proxies
        .filter(({ isBack }) => isBack)
        .map((proxy) => [proxy.name, proxy] as const)
        .reverse(),
    );
    this.#names = names;
  }

  /** The parts of a service; undefined where there is no server of it. */
  partsOf(role: Role): Parts | undefined {
    const fronts = this.#proxies.filter(
      (proxy) => proxy.isFront && !isRedirectOnly(proxy) && this.#leadsTo(proxy, role),
    );
    const backs = new Map<ProxySection, boolean>();
    for (const front of fronts) {
      for (const { proxy, websockets } of this.#backsOf(front, role)) {
        backs.set(proxy, (backs.get(proxy) ?? true) && websockets);
      }
    }
    if (backs.size === 0) {
      // A file of backends alone: their frontends are in another one.
      for (const proxy of this.#backs.values()) {
        if (proxy.section.kind === 'backend' && this.kind(proxy) === role && hasServers(proxy)) {
          backs.set(proxy, false);
        }
      }
    }
    const found = [...backs].map(([proxy, websockets]) => ({ proxy, websockets }));
    if (!found.some(({ proxy }) => hasServers(proxy))) return undefined;
    return {
      role,
      fronts,
      backs: found.sort((a, b) => Number(a.websockets) - Number(b.websockets)),
    };
  }

  /** What a proxy is, by the operator's word, its name, or the port of noVNC proxies. */
  kind(proxy: ProxySection): Kind {
    const { name } = proxy;
    if (name === this.#names.portal) return 'portal';
    if (name === this.#names.console) return 'console';
    const kind = kindOfName(name);
    // Whoever names a portal or a console means that one alone.
    if (kind === 'portal' && this.#names.portal) return undefined;
    if (kind === 'console' && this.#names.console) return undefined;
    if (kind === undefined && !this.#names.console && portsOf(proxy).includes(6080))
      return 'console';
    return kind;
  }

  /** The backend of a rule, where it is in these files. */
  backOf({ target }: Route): ProxySection | undefined {
    return this.#backs.get(target);
  }

  /** The first frontend or backend of that name. */
  named(name: string): ProxySection | undefined {
    return this.#proxies.find((proxy) => proxy.name === name);
  }

  #leadsTo(front: ProxySection, role: Role): boolean {
    const own = this.kind(front);
    if (own === role) return true;
    if (own !== undefined && typeof own !== 'object') return false;
    return front.routes.some((route) => {
      const back = this.backOf(route);
      return back !== undefined && this.kind(back) === role;
    });
  }

  #backsOf(front: ProxySection, role: Role): Back[] {
    const decided = this.kind(front) === role;
    const backs: Back[] = [];
    if (decided && front.isBack && hasServers(front))
      backs.push({ proxy: front, websockets: false });
    for (const route of front.routes) {
      const proxy = this.backOf(route);
      if (!proxy) continue;
      const kind = this.kind(proxy);
      const websockets =
        route.condition.length > 0 && isWebsocket(conditionOf(front, route.condition));
      const unnamed = kind === undefined && decided && (route.condition.length === 0 || websockets);
      if (kind === role || unnamed) backs.push({ proxy, websockets });
    }
    return backs;
  }
}

/** A frontend that sends everybody elsewhere and nobody to a backend. */
export function isRedirectOnly(proxy: ProxySection): boolean {
  return (
    proxy.isFront &&
    proxy.routes.length === 0 &&
    !hasServers(proxy) &&
    [...proxy.all('redirect'), ...proxy.all('http-request', 'redirect')].length > 0
  );
}

function hasServers(proxy: ProxySection): boolean {
  return proxy.section.lines.some(
    ({ words: [word] }) => word === 'server' || word === 'server-template',
  );
}

function portsOf(proxy: ProxySection): readonly number[] {
  const ports = proxy.binds.map(({ port }) => port ?? 0);
  if (ports.length > 0) return ports;
  return proxy
    .own('server')
    .map(({ words: [, , address = ''] }) => Number(/:(\d+)$/.exec(address)?.[1]));
}
