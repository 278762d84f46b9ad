import { join } from 'node:path';
import { freePorts } from '../../support/free-port.ts';
import { startGunicorn } from './gunicorn.ts';
import type { Program, Programs } from './program.ts';
import { untilAnswering } from './readiness.ts';

/** The memcached client libraries of Django, by the name of their Python module. */
export type DjangoClient = 'pymemcache' | 'pylibmc' | 'memcached';

export interface DashboardOptions {
  readonly client: DjangoClient;
  /** Whether Horizon is told, by SECURE_PROXY_SSL_HEADER, to believe X-Forwarded-Proto. */
  readonly proxySsl: boolean;
  /** Django's cache LOCATION, addresses as `host:port`. */
  readonly memcached: readonly string[];
  readonly keystoneUrl: string;
}

/** One real Horizon; every answer of it carries its name in the header `X-Lab-Backend`. */
export interface Dashboard {
  readonly name: string;
  /** Without a slash at the end. */
  readonly url: string;
  readonly program: Program;
}

const DASHBOARDS = 3;
// One SECRET_KEY for all: what one Horizon signed the others accept.
const SECRET_KEY = 'of-the-test-lab-only-0123456789abcdef0123456789abcdef';

/** Starts three Horizons at once, on ports of their own, and waits until their login page is up. */
export async function startDashboards(
  programs: Programs,
  generation: number,
  options: DashboardOptions,
): Promise<Dashboard[]> {
  const ports = await freePorts(DASHBOARDS);
  return Promise.all(
    ports.map(async (port, index) => {
      const name = `horizon-${generation}-${index + 1}`;
      const program = startGunicorn(programs, {
        name,
        port,
        module: 'lab_wsgi:application',
        folder: join(import.meta.dirname, 'horizon'),
        env: {
          LAB_BACKEND: name,
          LAB_SECRET_KEY: SECRET_KEY,
          LAB_KEYSTONE_URL: options.keystoneUrl,
          LAB_CLIENT: options.client,
          LAB_MEMCACHED: options.memcached.join(','),
          LAB_PROXY_SSL: options.proxySsl ? '1' : '0',
        },
      });
      const url = `http://127.0.0.1:${port}`;
      await untilAnswering(program, `${url}/auth/login/`);
      return { name, url, program };
    }),
  );
}
