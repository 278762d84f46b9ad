import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Child, Children } from '../../support/children.ts';
import { freePorts } from '../../support/free-port.ts';
import { nginxMain } from '../nginx-main.ts';

const NODE_ORIGIN = new URL('node-origin.ts', import.meta.url).pathname;
const CONSOLES = 3;

/** What the proxies stand in front of; ports of 127.0.0.1. */
export interface Origins {
  /** nginx, answering from memory. */
  readonly portal: readonly number[];
  /** Node, for what nginx cannot play: uploads that are counted, and websockets. */
  readonly console: readonly number[];
  readonly memcached: number;
  /** Throws, with what it said, if one of them has ended. */
  assertRunning(): void;
}

/** What the portal serves, by path. */
export const PAGES = [
  { path: '/1k', bytes: 1024 },
  { path: '/100k', bytes: 100 * 1024 },
] as const;

/** A further page of the portal. */
export interface Page {
  readonly path: string;
  readonly content: Buffer;
  /** What its Content-Encoding says. */
  readonly encoding?: string;
}

/**
 * Starts `portals` portal backends, the console backends and a memcached, all on the load's core.
 * @param further What the portal serves beside PAGES.
 */
export async function startOrigins(
  children: Children,
  folder: string,
  core: number | undefined,
  portals: number,
  further: readonly Page[] = [],
): Promise<Origins> {
  const ports = await freePorts(portals + CONSOLES + 1);
  const portal = ports.slice(0, portals);
  const console = ports.slice(portals, portals + CONSOLES);
  const memcached = ports.at(-1)!;
  // Started by root it asks for a user; as another one it would outlive a bench that is killed.
  const user = process.getuid?.() === 0 ? ['-u', 'root'] : [];
  const nginx = children.start(nginxOrigin(folder, portal, further), { core });
  const node = children.start([process.execPath, NODE_ORIGIN, ...console.map(String)], { core });
  const cache = children.start(
    ['memcached', ...user, '-l', '127.0.0.1', '-p', String(memcached), '-U', '0', '-m', '16'],
    { core },
  );
  const waits: [Child, number][] = [
    ...portal.map((port): [Child, number] => [nginx, port]),
    ...console.map((port): [Child, number] => [node, port]),
    [cache, memcached],
  ];
  await Promise.all(waits.map(([child, port]) => child.listening(port)));
  const assertRunning = () => {
    for (const child of [nginx, node, cache]) child.assertRunning();
  };
  return { portal, console, memcached, assertRunning };
}

function nginxOrigin(folder: string, ports: readonly number[], further: readonly Page[]): string[] {
  const home = join(folder, 'origin');
  const pages = join(home, 'pages');
  mkdirSync(pages, { recursive: true });
  for (const { path, bytes } of PAGES) writeFileSync(join(pages, path), 'x'.repeat(bytes));
  for (const { path, content } of further) writeFileSync(join(pages, path), content);
  const encoded = further.filter(({ encoding }) => encoding !== undefined);
  return nginxMain(
    home,
    `
  access_log off;
  open_file_cache max=16 inactive=1h;
  open_file_cache_valid 1h;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  server {
${ports.map((port) => `    listen 127.0.0.1:${port} backlog=4096;`).join('\n')}
    root ${pages};
    location = /dashboard/auth/login/ { return 200 "well"; }
${encoded.map(({ path, encoding }) => `    location = ${path} { add_header Content-Encoding ${encoding}; }`).join('\n')}
  }`,
    8_192,
  );
}
