import { readFileSync } from 'node:fs';
import { freePorts } from '../../support/free-port.ts';
import type { Peer } from './peer.ts';

const CHECKOUT = new URL('../../../', import.meta.url).pathname;

/** Dashgate as `npm start` runs it: every setting that is not an address has its default. */
export const dashgate: Peer = {
  name: 'dashgate',
  programs: [],
  plain: true,
  note: 'WORKERS=1, access log to /dev/null, active health checks, memcached',
  async start({ children, core, workers = 1, settings, origins, certificate }) {
    const ports = (await freePorts(5)) as [number, number, number, number, number];
    const [portal, console, plain, cache, admin] = ports;
    const urls = (ports: readonly number[]) =>
      ports.map((port) => `http://127.0.0.1:${port}`).join(',');
    const child = children.start(dashgateCommand(), {
      core,
      env: {
        PORTAL_LISTEN: `127.0.0.1:${portal}`,
        PORTAL_BACKENDS: urls(origins.portal),
        PORTAL_PLAIN_LISTEN: `127.0.0.1:${plain}`,
        CONSOLE_LISTEN: `127.0.0.1:${console}`,
        CONSOLE_BACKENDS: urls(origins.console),
        CACHE_LISTEN: `127.0.0.1:${cache}`,
        ADMIN_LISTEN: `127.0.0.1:${admin}`,
        MEMCACHED_SERVERS: `127.0.0.1:${origins.memcached}`,
        // One, as HAProxy has one thread, beside the supervisor and the session cache.
        WORKERS: String(workers),
        TLS_CERT: certificate.cert,
        TLS_KEY: certificate.key,
        ...settings,
      },
    });
    await Promise.all([portal, console, plain].map((port) => child.listening(port)));
    return { portal, console, plain, pids: [child.pid], ...child };
  },
};

/** What `npm start` runs. */
export function dashgateCommand(): string[] {
  const { scripts } = JSON.parse(readFileSync(`${CHECKOUT}package.json`, 'utf8'));
  const words = (scripts.start as string).split(' ').slice(1);
  const args = words.map((word) => (word.startsWith('src/') ? CHECKOUT + word : word));
  return [process.execPath, ...args];
}
