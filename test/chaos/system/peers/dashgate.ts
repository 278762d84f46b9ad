import type { GatewayState } from '../../../../src/admin/state.ts';
import type { CertificateFiles } from '../../../../src/demo/certificate.ts';
import { dashgateCommand } from '../../../bench/peers/dashgate.ts';
import { freePorts } from '../../../support/free-port.ts';
import { until } from '../../../support/until.ts';
import type { Part } from '../cluster/part.ts';
import { CLIENT } from '../cluster/site.ts';
import type { Peer } from './peer.ts';

const WORKERS = 2;
const START_MS = 60_000;
/** How long it may take to tell of itself, in ms. */
const STATE_MS = 2_000;
/** The same for both gateways, as the README has it. */
const SECRET = 'only for the chaos of the system, and for nobody else'.repeat(2);

/** Dashgate with two workers; the session cache of the dashboards is another one, on their own host. */
export const dashgate: Peer = {
  name: 'dashgate',
  title: 'Dashgate',
  reloadSignal: 'SIGHUP',
  async sessions(scene, nodes, certificate) {
    const [portal, cache, admin] = (await freePorts(3)) as [number, number, number];
    scene.children.start(dashgateCommand(), {
      core: undefined,
      env: {
        // Nothing is forwarded here.
        PORTAL_LISTEN: `127.0.0.1:${portal}`,
        PORTAL_BACKENDS: 'http://127.0.0.1:9',
        HEALTH_INTERVAL: '1m',
        CONSOLE_LISTEN: '',
        CACHE_LISTEN: `127.0.0.1:${cache}`,
        ADMIN_LISTEN: `127.0.0.1:${admin}`,
        MEMCACHED_SERVERS: nodes.join(),
        MEMCACHED_PLACEMENT: CLIENT,
        WORKERS: '1',
        ...common(certificate),
      },
    });
    const well = () => cacheIsWell(admin);
    await until('the session cache believes every node', well, START_MS);
    return { location: [`127.0.0.1:${cache}`], well };
  },
  async start({ scene, site, certificate }, ports) {
    const child = scene.children.start(dashgateCommand(), {
      core: undefined,
      env: {
        PORTAL_LISTEN: `127.0.0.1:${ports.portal}`,
        PORTAL_BACKENDS: backends(site.dashboards),
        CONSOLE_LISTEN: `127.0.0.1:${ports.console}`,
        CONSOLE_BACKENDS: backends(site.consoles),
        CACHE_LISTEN: '',
        ADMIN_LISTEN: `127.0.0.1:${ports.admin}`,
        MEMCACHED_SERVERS: site.nodes.map(({ way }) => way.address).join(),
        MEMCACHED_PLACEMENT: CLIENT,
        WORKERS: String(WORKERS),
        ...common(certificate),
      },
    });
    await child.listening(ports.admin);
    await Promise.all([ports.portal, ports.console].map((port) => child.listening(port)));
    return child;
  },
  async well(ports) {
    const state = await stateOf(ports.admin);
    if (!state) return false;
    const serving = state.workers.filter(
      ({ kind, state }) => kind === 'relay' && state === 'serving',
    );
    const backends = state.services.flatMap((service) => service.backends);
    return serving.length === WORKERS && backends.every(({ usable }) => usable);
  },
  async workers(ports) {
    const workers = (await stateOf(ports.admin))?.workers ?? [];
    return workers
      .filter(({ kind, state }) => kind === 'relay' && state === 'serving')
      .map(({ pid }) => pid);
  },
};

/** What all of them are told. */
function common({ cert, key }: CertificateFiles): Record<string, string> {
  return { TLS_CERT: cert, TLS_KEY: key, SHARED_SECRET: SECRET, LOG_LEVEL: 'warn' };
}

function backends(parts: readonly Part[]): string {
  return parts.map(({ name, way }) => `http://${way.address} name=${name}`).join();
}

async function cacheIsWell(admin: number): Promise<boolean> {
  const cache = (await stateOf(admin))?.cache;
  return cache?.nodes.every(({ state, reachable }) => state === 'full' && reachable) ?? false;
}

async function stateOf(admin: number): Promise<GatewayState | undefined> {
  try {
    const answer = await fetch(`http://127.0.0.1:${admin}/api/state`, {
      signal: AbortSignal.timeout(STATE_MS),
    });
    return (await answer.json()) as GatewayState;
  } catch {
    return undefined;
  }
}
