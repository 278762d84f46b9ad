import type { TestContext } from 'node:test';
import { startConsoles } from './lab/consoles.ts';
import { type Dashboard, type DashboardOptions, startDashboards } from './lab/dashboards.ts';
import { startKeystone } from './lab/keystone.ts';
import { type MemcachedNode, startMemcached } from './lab/memcached.ts';
import { Programs } from './lab/program.ts';

export interface LabOptions extends Pick<DashboardOptions, 'client' | 'proxySsl'> {
  /**
   * The cache addresses that the dashboards use, from those of the lab's nodes; the nodes
   * themselves unless told (to put something between, such as the gateway's session cache).
   */
  readonly memcached?: readonly string[];
}

/** A real OpenStack dashboard installation on loopback, all of it child processes of the test. */
export interface Lab {
  readonly programs: Programs;
  /** Three real memcached. */
  readonly nodes: readonly MemcachedNode[];
  /** Three real Horizons that share the nodes and one Keystone. */
  readonly dashboards: readonly Dashboard[];
  /** The URLs of two real websockify with noVNC's pages. */
  readonly consoles: readonly string[];
  /**
   * Replaces the Horizons by others, on other ports, that are configured differently; memcached,
   * Keystone and the consoles stay as they are.
   */
  restartDashboards(options: LabOptions): Promise<void>;
}

/**
 * Starts the whole installation, on free ports and in a temporary directory; it takes 15 to 40 s.
 * Everything is ended and removed when the test `t` is over. Log in as `ADMIN` of lab/keystone.ts.
 */
export async function startLab(t: TestContext, options: LabOptions): Promise<Lab> {
  const programs = await Programs.open(t);
  const [nodes, keystoneUrl, { urls: consoles }] = await Promise.all([
    startMemcached(programs, 3),
    startKeystone(programs),
    startConsoles(programs),
  ]);

  let generation = 0;
  const start = ({ client, proxySsl, memcached }: LabOptions) => {
    generation += 1;
    return startDashboards(programs, generation, {
      client,
      proxySsl,
      memcached: memcached ?? nodes.map((node) => node.address),
      keystoneUrl,
    });
  };

  let dashboards = await start(options);
  return {
    programs,
    nodes,
    consoles,
    get dashboards() {
      return dashboards;
    },
    async restartDashboards(changed) {
      await Promise.all(dashboards.map(({ program }) => program.stop()));
      dashboards = await start(changed);
    },
  };
}
