import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Config, type Environment, parseConfig, parseSettings } from '../config.ts';
import { hostAndPort, type ListenAddress, reachedAt } from '../config-values.ts';
import { CodeCache } from '../gateway/code-cache.ts';
import { startGateway } from '../gateway/gateway.ts';
import { workersOf } from '../gateway/worker-count.ts';
import { createLogger, type Logger } from '../log.ts';
import { demoCertificate } from './certificate.ts';
import { startEmbeddedMemcached } from './embedded-memcached.ts';
import { runMemcached } from './memcached-process.ts';
import type { PartEnvironment, PartKind } from './part.ts';
import { type Running, runPartProcess } from './part-process.ts';

export interface DemoOptions {
  readonly env: Environment;
  /** Open the portal in the browser of this desktop. */
  readonly open: boolean;
  /** Resolves when the demo is to end. */
  readonly stopped: Promise<void>;
}

/** What the demo sets where the environment does not. */
const DEFAULTS: Environment = {
  PORTAL_LISTEN: '127.0.0.1:8443',
  CONSOLE_LISTEN: '127.0.0.1:6080',
  ADMIN_LISTEN: '127.0.0.1:9090',
  LOG_LEVEL: 'warn',
  SHUTDOWN_TIMEOUT: '2s',
  DRAIN_TIMEOUT: '2s',
};

const DASHBOARDS = 3;
const CONSOLES = 2;
const NODES = 3;
const USER = 'demo';

/**
 * Runs a whole cluster on this host: a gateway supervised by this process, mock dashboards and consoles in
 * processes of their own, and memcached nodes. Resolves when it was stopped and all of it is gone.
 */
export async function runDemo({ env: given, open, stopped }: DemoOptions): Promise<void> {
  const env = { ...DEFAULTS, ...given };
  const { LOG_LEVEL, CONSOLE_LISTEN, CACHE_LISTEN } = parseSettings(env, [
    'LOG_LEVEL',
    'CONSOLE_LISTEN',
    'CACHE_LISTEN',
  ]);
  const logger = createLogger(LOG_LEVEL);
  const running: Running[] = [];
  const keep = <T extends Running>(part: T): T => {
    running.push(part);
    return part;
  };
  try {
    const memcached = await startNodes(env, keep);
    const password = env.DEMO_PASSWORD || randomBytes(6).toString('base64url');
    const shared: Environment & Partial<PartEnvironment> = {
      ...env,
      // One line in Django's settings: the sessions then outlive the loss of a node.
      MEMCACHED_SERVERS: CACHE_LISTEN ? hostPort(CACHE_LISTEN) : memcached.servers,
      DEMO_USER: USER,
      DEMO_PASSWORD: password,
      DEMO_TOKEN_SECRET: randomBytes(32).toString('base64url'),
      DEMO_CONSOLE_URL: `${publicUrl(CONSOLE_LISTEN)}/vnc_lite.html`,
    };
    const startAll = (kind: PartKind, count: number) =>
      Promise.all(
        Array.from({ length: count }, async (_, index) => {
          const name = `${kind}-${index + 1}`;
          const part = await runPartProcess(kind, { ...shared, DEMO_NAME: name }, logger);
          keep(part);
          return `http://${part.address} name=${name}`;
        }),
      );
    const [dashboards, consoles] = await Promise.all([
      startAll('dashboard', DASHBOARDS),
      startAll('console', CONSOLES),
    ]);
    const certificate = await demoCertificate('.dashgate');
    const read = () =>
      parseConfig({
        TLS_CERT: certificate.cert,
        TLS_KEY: certificate.key,
        ...env,
        MEMCACHED_SERVERS: memcached.servers,
        PORTAL_BACKENDS: dashboards.join(','),
        CONSOLE_BACKENDS: consoles.join(','),
      });
    const config = read();
    const codeCache = workersOf(config) > 0 ? await CodeCache.create(given, logger) : undefined;
    keep({ address: '', stop: async () => codeCache?.remove() });
    const gateway = await startGateway(config, {
      logger,
      workerEnv: codeCache?.env ?? given,
      reread: read,
    });
    keep({ address: '', stop: () => gateway.close() });
    await gateway.checked;
    const portal = `${publicUrl(config.PORTAL_LISTEN)}${config.PORTAL_ROOT_REDIRECT ?? '/'}`;
    process.stdout.write(`
Dashgate demo ready
  portal   ${portal}  (user ${USER}, password ${password})
  console  ${publicUrl(config.CONSOLE_LISTEN)}/vnc_lite.html  (open it from Instances in the portal)
  cache    ${CACHE_LISTEN ? hostPort(CACHE_LISTEN) : 'off'}
  admin    ${adminUrl(config)}
  ${dashboards.length} dashboards, ${consoles.length} consoles, ${memcached.told}
  The certificate is self-signed: let the browser accept it. Ctrl-C ends all of it.
`);
    if (open) openBrowser(portal, logger);
    await stopped;
  } finally {
    // In the reverse order, so that nothing is asked of what is gone already.
    for (const part of running.reverse()) await part.stop();
  }
}

async function startNodes(
  env: Environment,
  keep: (node: Running) => Running,
): Promise<{ servers: string; told: string }> {
  if (env.MEMCACHED_SERVERS) {
    return { servers: env.MEMCACHED_SERVERS, told: `memcached at ${env.MEMCACHED_SERVERS}` };
  }
  const real = isInstalled('memcached', env.PATH);
  const addresses: string[] = [];
  for (let i = 0; i < NODES; i++) {
    addresses.push(keep(real ? await runMemcached(env.PATH) : await embeddedNode()).address);
  }
  const told = real
    ? 'real memcached nodes'
    : 'embedded memcached nodes (memcached is not installed)';
  return { servers: addresses.join(','), told: `${NODES} ${told}` };
}

async function embeddedNode(): Promise<Running> {
  const { host, port, close } = await startEmbeddedMemcached({});
  return { address: `${host}:${port}`, stop: async () => close() };
}

function isInstalled(program: string, path = ''): boolean {
  return path.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** How a browser on this host reaches a listener. */
function publicUrl(address: ListenAddress | undefined): string {
  return address ? `https://${hostPort(address)}` : 'off';
}

function adminUrl({ ADMIN_LISTEN: address, ADMIN_TLS: secure }: Config): string {
  return address ? `${secure ? 'https' : 'http'}://${hostPort(address)}/` : 'off';
}

function hostPort(address: ListenAddress): string {
  return hostAndPort(reachedAt(address));
}

function openBrowser(url: string, logger: Logger): void {
  const opener = process.platform === 'darwin' ? 'open' : 'xdg-open';
  spawn(opener, [url], { stdio: 'ignore', detached: true })
    .once('error', () =>
      logger.warn({ opener }, 'no browser could be opened; open the portal by hand'),
    )
    .unref();
}
