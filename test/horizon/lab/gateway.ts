import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { demoCertificate } from '../../../src/demo/certificate.ts';
import { freePorts } from '../../support/free-port.ts';
import type { Program, Programs } from './program.ts';
import { untilAnswering } from './readiness.ts';

export interface GatewayOptions {
  /** The URLs of the dashboards and of the console servers behind the gateway. */
  readonly portal: readonly string[];
  readonly console: readonly string[];
  /** Path that a usable dashboard answers with 200. */
  readonly portalHealthPath: string;
  readonly memcached: readonly string[];
  /** The memcached client of the dashboards; pymemcache unless told. */
  readonly placement?: string;
  /** Settings beside these. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Port of its session cache; off unless told. */
  readonly cachePort?: number;
}

/** Dashgate as an operator runs it: the command line and its environment. */
export interface Gateway {
  /** Origins as the browser sees them, `https://127.0.0.1:port`. */
  readonly portal: string;
  readonly console: string;
  readonly admin: string;
  /** The certificate to trust, in PEM. */
  readonly ca: string;
  readonly program: Program;
}

const MAIN = join(import.meta.dirname, '../../../src/main.ts');

/** Runs `dashgate start` on free ports; resolves once it says that it is ready. */
export async function startGateway(
  programs: Programs,
  name: string,
  options: GatewayOptions,
): Promise<Gateway> {
  const [portal, console, admin] = (await freePorts(3)) as [number, number, number];
  const { cert, key } = await demoCertificate(programs.dir);
  const program = programs.start({
    name,
    command: process.execPath,
    args: [MAIN, 'start'],
    env: {
      PORTAL_LISTEN: `127.0.0.1:${portal}`,
      PORTAL_BACKENDS: options.portal.join(','),
      PORTAL_HEALTH_PATH: options.portalHealthPath,
      PORTAL_ROOT_REDIRECT: '', // this Horizon lives at `/`
      CONSOLE_LISTEN: `127.0.0.1:${console}`,
      CONSOLE_BACKENDS: options.console.join(','),
      CONSOLE_HEALTH_PATH: '/vnc_lite.html',
      ADMIN_LISTEN: `127.0.0.1:${admin}`,
      MEMCACHED_SERVERS: options.memcached.join(','),
      MEMCACHED_PLACEMENT: options.placement ?? 'pymemcache',
      CACHE_LISTEN: options.cachePort ? `127.0.0.1:${options.cachePort}` : '',
      TLS_CERT: cert,
      TLS_KEY: key,
      ...options.settings,
    },
  });
  await untilAnswering(program, `http://127.0.0.1:${admin}/readyz`);
  return {
    portal: `https://127.0.0.1:${portal}`,
    console: `https://127.0.0.1:${console}`,
    admin: `http://127.0.0.1:${admin}`,
    ca: await readFile(cert, 'utf8'),
    program,
  };
}
