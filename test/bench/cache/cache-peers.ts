import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../../support/free-port.ts';
import { dashgateCommand } from '../peers/dashgate.ts';
import type { Scene } from '../scene.ts';

/** A way to memcached that runs. */
export interface RunningCachePeer {
  /** Of 127.0.0.1. */
  readonly port: number;
  /** Its processes; none where there is nothing in between. */
  readonly pids: readonly number[];
  assertRunning(): void;
}

export interface CachePeer {
  readonly name: string;
  /** Programs that it needs beside Node. */
  readonly programs: readonly string[];
  readonly note: string;
  start(scene: Scene, nodes: readonly number[]): Promise<RunningCachePeer>;
}

const direct: CachePeer = {
  name: 'direct',
  programs: [],
  note: 'no proxy, one memcached node',
  start: async (_scene, [node]) => ({ port: node!, pids: [], assertRunning: () => {} }),
};

const haproxy: CachePeer = {
  name: 'haproxy',
  programs: ['haproxy'],
  note: 'nbthread 1, mode tcp, one node with two backups: each item is on one',
  async start({ children, folder, cores }, nodes) {
    const [port] = (await freePorts(1)) as [number];
    const file = join(mkdtempSync(join(folder, 'peer-')), 'haproxy.cfg');
    const servers = nodes.map(
      (node, i) => `  server n${i} 127.0.0.1:${node} check${i > 0 ? ' backup' : ''}`,
    );
    writeFileSync(
      file,
      `global
  nbthread 1
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen memcached
  bind 127.0.0.1:${port}
${servers.join('\n')}
`,
    );
    const child = children.start(['haproxy', '-f', file], { core: cores.proxy });
    await child.listening(port);
    return { port, pids: [child.pid], assertRunning: child.assertRunning };
  },
};

const dashgate: CachePeer = {
  name: 'dashgate',
  programs: [],
  note: 'session cache as in production: each item on two of three nodes, health looked after',
  async start({ children, cores, certificate }, nodes) {
    const [port, portal] = (await freePorts(2)) as [number, number];
    const child = children.start(dashgateCommand(), {
      core: cores.proxy,
      env: {
        PORTAL_LISTEN: `127.0.0.1:${portal}`,
        WORKERS: '1',
        // Nothing is forwarded here.
        PORTAL_BACKENDS: 'http://127.0.0.1:9',
        HEALTH_INTERVAL: '1m',
        CONSOLE_LISTEN: '',
        ADMIN_LISTEN: '',
        CACHE_LISTEN: `127.0.0.1:${port}`,
        MEMCACHED_SERVERS: nodes.map((node) => `127.0.0.1:${node}`).join(','),
        TLS_CERT: certificate.cert,
        TLS_KEY: certificate.key,
      },
    });
    await child.listening(port);
    return { port, pids: [child.pid], assertRunning: child.assertRunning };
  },
};

/** All ways to memcached, in the order of the table. */
export const CACHE_PEERS: readonly CachePeer[] = [dashgate, haproxy, direct];
