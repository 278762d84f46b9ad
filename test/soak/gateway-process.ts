import { join } from 'node:path';
import { demoCertificate } from '../../src/demo/certificate.ts';
import type { Child, Children } from '../support/children.ts';
import { freePorts } from '../support/free-port.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;
const HOOK = new URL('probe-hook.ts', import.meta.url).pathname;
const ORIGIN = new URL('origin.ts', import.meta.url).pathname;
const BACKENDS = 3;

/** The gateway in a process of its own, with its backends in another; ports of 127.0.0.1. */
export interface GatewayUnderSoak {
  readonly child: Child;
  readonly portal: number;
  readonly console: number;
  readonly admin: number;
  /** The socket that the probe within it listens on. */
  readonly probe: string;
}

/** Starts both; every setting that is not an address has its default. */
export async function startGatewayProcess(
  children: Children,
  folder: string,
  cores: { readonly proxy: number | undefined; readonly load: number | undefined },
  leak: string | undefined,
): Promise<GatewayUnderSoak> {
  const certificate = await demoCertificate(join(folder, 'certificate'));
  const ports = await freePorts(BACKENDS + 3);
  const [portal, console, admin, ...backends] = ports as [number, number, number, ...number[]];
  const origin = children.start([process.execPath, ORIGIN, ...backends.map(String)], {
    core: cores.load,
  });
  await Promise.all(backends.map((port) => origin.listening(port)));
  const probe = join(folder, 'probe');
  const urls = backends.map((port) => `http://127.0.0.1:${port}`).join(',');
  const child = children.start([process.execPath, '--expose-gc', '--import', HOOK, MAIN, 'start'], {
    core: cores.proxy,
    env: {
      PORTAL_LISTEN: `127.0.0.1:${portal}`,
      PORTAL_BACKENDS: urls,
      CONSOLE_LISTEN: `127.0.0.1:${console}`,
      CONSOLE_BACKENDS: urls,
      ADMIN_LISTEN: `127.0.0.1:${admin}`,
      // Nothing listens there: forwarding must not need memcached.
      MEMCACHED_SERVERS: '127.0.0.1:9',
      TLS_CERT: certificate.cert,
      TLS_KEY: certificate.key,
      // The probe looks into the one process that there is.
      WORKERS: '0',
      SOAK_PROBE: probe,
      ...(leak ? { SOAK_LEAK: leak } : {}),
    },
  });
  await Promise.all([portal, console, admin].map((port) => child.listening(port)));
  return { child, portal, console, admin, probe };
}
