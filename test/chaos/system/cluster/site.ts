import { Part, type Scene } from './part.ts';

const DASHBOARD = new URL('../../../support/django/dashboard.py', import.meta.url).pathname;
const CONSOLE = new URL('console-main.ts', import.meta.url).pathname;
/** The client library of the dashboards. */
export const CLIENT = 'pymemcache';

/** What stands behind the gateways. */
export interface Site {
  readonly nodes: readonly Part[];
  readonly dashboards: readonly Part[];
  readonly consoles: readonly Part[];
}

const times = (count: number, make: (number: number) => Promise<Part>) =>
  Promise.all(Array.from({ length: count }, (_, i) => make(i + 1)));

/**
 * Starts three memcached nodes, three dashboards that keep their sessions where `sessions` says, and two
 * consoles.
 */
export async function startSite(
  scene: Scene,
  sessions: (nodes: readonly string[]) => Promise<readonly string[]>,
): Promise<Site> {
  // Started by root it wants another user to be, whom the kernel no longer ends with this process.
  const user = process.getuid?.() === 0 ? ['-u', 'root'] : [];
  const nodes = await times(3, (number) =>
    Part.start(scene, 'node', number, (port) => [
      ...['memcached', ...user, '-l', '127.0.0.1', '-p', String(port), '-U', '0', '-m', '64'],
    ]),
  );
  const location = JSON.stringify(await sessions(nodes.map(({ way }) => way.address)));
  const dashboards = times(3, (number) =>
    Part.start(scene, 'dashboard', number, (port) => [
      ...['/usr/bin/python3', '-B', DASHBOARD, `dashboard-${number}`, String(port)],
      ...[CLIENT, location],
    ]),
  );
  const consoles = times(2, (number) =>
    Part.start(scene, 'console', number, (port) => [
      ...[process.execPath, CONSOLE, `console-${number}`, String(port)],
    ]),
  );
  return { nodes, dashboards: await dashboards, consoles: await consoles };
}
