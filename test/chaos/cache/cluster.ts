import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { demoCertificate } from '../../../src/demo/certificate.ts';
import type { Cleanup } from '../../support/cleanup.ts';
import { type CutProxy, startCutProxy } from '../../support/cut-proxy.ts';
import { startDjango } from '../../support/django/process.ts';
import { freePorts } from '../../support/free-port.ts';
import { type RunningMemcached, startMemcached } from '../../support/memcached.ts';
import { until } from '../../support/until.ts';

const CHECKOUT = new URL('../../../', import.meta.url).pathname;
/** Processes of the site, and threads of each: as many clients of memcached. */
const PROCESSES = 3;
const THREADS = 8;
/** How long a gateway may take to start on a busy host, in ms. */
const START_MS = 120_000;

/** Three memcached nodes and a Django site that keeps its sessions on them. */
export interface Cluster {
  /** The node to which things happen. */
  readonly node: RunningMemcached;
  /** The way to it, where that can be cut. */
  readonly way: CutProxy;
  /** Starts it again, empty. */
  restart(): Promise<void>;
  /** Ports of the site's processes. */
  readonly site: readonly number[];
}

export interface ClusterOptions {
  /** As `MEMCACHED_PLACEMENT` names it. */
  readonly client: string;
  /** SESSION_COPIES of a session cache in between; undefined for none. */
  readonly copies: number | undefined;
  /** The way to the node can be cut. */
  readonly cuttable: boolean;
}

/** Starts all of it; it ends with `cleanup`. */
export async function startCluster(
  cleanup: Cleanup,
  { client, copies, cuttable }: ClusterOptions,
): Promise<Cluster> {
  const nodes = await Promise.all([0, 1, 2].map(() => startMemcached(cleanup, { megabytes: 64 })));
  const [first, ...others] = nodes as [RunningMemcached, ...RunningMemcached[]];
  let node = first;
  const way = await startCutProxy(cleanup, node.port);
  const addresses = [
    cuttable ? way.address : node.address,
    ...others.map(({ address }) => address),
  ];
  const location =
    copies === undefined ? addresses : [await startCache(cleanup, client, addresses, copies)];
  const ports = Array.from({ length: PROCESSES }, async () =>
    Number(
      await startDjango(cleanup, 'site.py', [
        client,
        JSON.stringify(location),
        String(THREADS),
      ]).line(),
    ),
  );
  return {
    get node() {
      return node;
    },
    way,
    async restart() {
      node = await startMemcached(cleanup, { port: node.port, megabytes: 64 });
    },
    site: await Promise.all(ports),
  };
}

/** A gateway as `npm start` runs it; the address of its cache when it believes every node. */
async function startCache(
  cleanup: Cleanup,
  placement: string,
  nodes: readonly string[],
  copies: number,
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'dashgate-chaos-'));
  cleanup.after(() => rmSync(folder, { recursive: true, force: true }));
  const { cert, key } = await demoCertificate(folder);
  const [portal, cache, admin] = (await freePorts(3)) as [number, number, number];
  const child = spawn(process.execPath, ['src/main.ts', 'start'], {
    cwd: CHECKOUT,
    env: {
      PORTAL_LISTEN: `127.0.0.1:${portal}`,
      WORKERS: '1',
      // Nothing is forwarded here.
      PORTAL_BACKENDS: 'http://127.0.0.1:9',
      HEALTH_INTERVAL: '1m',
      CONSOLE_LISTEN: '',
      ADMIN_LISTEN: `127.0.0.1:${admin}`,
      CACHE_LISTEN: `127.0.0.1:${cache}`,
      MEMCACHED_SERVERS: nodes.join(','),
      MEMCACHED_PLACEMENT: placement,
      SESSION_COPIES: String(copies),
      TLS_CERT: cert,
      TLS_KEY: key,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-2_000);
  });
  const gone = once(child, 'exit');
  cleanup.after(async () => {
    child.kill('SIGKILL');
    await gone;
  });
  await until(
    'the session cache believes every node',
    async () => {
      if (child.exitCode !== null) throw new Error(`the gateway ended: ${complaint}`);
      const answer = await fetch(`http://127.0.0.1:${admin}/api/state`).catch(() => undefined);
      if (!answer) return false;
      const state = (await answer.json()) as { cache?: { nodes: { state: string }[] } };
      return state.cache?.nodes.every((node) => node.state === 'full') ?? false;
    },
    START_MS,
  );
  return `127.0.0.1:${cache}`;
}
