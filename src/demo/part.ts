import { createServer, type Server } from 'node:http';
import { type Environment, parseSettings } from '../config.ts';
import { listenAddress } from '../config-values.ts';
import { listen } from '../listener/listen.ts';
import { createLogger, type Logger } from '../log.ts';
import { Cluster } from '../memcached/cluster.ts';
import { djangoSession } from '../session/middleware.ts';
import { ConsoleTokens } from './console-token.ts';
import { createMockConsole } from './mock-console.ts';
import { createMockDashboard } from './mock-dashboard.ts';

export type PartKind = 'dashboard' | 'console';

/**
 * What a part of the demo cluster is told through its environment, beside the settings that it
 * shares with the gateway (MEMCACHED_*, DJANGO_*, SESSION_COOKIE_NAME).
 */
export interface PartEnvironment {
  readonly DEMO_NAME: string;
  /** host:port. */
  readonly DEMO_LISTEN: string;
  /** Address of the console page as the browser reaches it. */
  readonly DEMO_CONSOLE_URL: string;
  readonly DEMO_USER: string;
  readonly DEMO_PASSWORD: string;
  /** Shared by dashboards, which issue console tokens, and consoles, which check them. */
  readonly DEMO_TOKEN_SECRET: string;
}

/** What a part tells the process that started it, once it takes connections. */
export interface PartReady {
  readonly port: number;
}

/**
 * Runs one mock dashboard or console until `stopped`, or until the process that started it is
 * gone.
 */
export async function runPart(
  kind: PartKind,
  env: Environment,
  stopped: Promise<void>,
): Promise<void> {
  const part = readPart(kind, env);
  const logger = createLogger(parseSettings(env, ['LOG_LEVEL']).LOG_LEVEL);
  const { server, close } =
    kind === 'dashboard' ? dashboardServer(part, env, logger) : consoleServer(part, logger);
  const { port } = await listen(server, 'DEMO_LISTEN', listenAddress(part.DEMO_LISTEN));
  logger.info({ name: part.DEMO_NAME, port }, `${kind} is listening`);
  process.send?.({ port } satisfies PartReady);
  const orphaned = new Promise<void>((resolve) => process.once('disconnect', resolve));
  await Promise.race([stopped, orphaned]);
  close();
  server.closeAllConnections();
  server.close();
}

function readPart(kind: PartKind, env: Environment): PartEnvironment {
  return {
    DEMO_NAME: env.DEMO_NAME || `${kind}-1`,
    DEMO_LISTEN: env.DEMO_LISTEN || '127.0.0.1:0',
    DEMO_CONSOLE_URL: env.DEMO_CONSOLE_URL || 'https://127.0.0.1:6080/vnc_lite.html',
    DEMO_USER: env.DEMO_USER || 'demo',
    DEMO_PASSWORD: env.DEMO_PASSWORD || 'demo',
    DEMO_TOKEN_SECRET: env.DEMO_TOKEN_SECRET || 'for demonstration only',
  };
}

interface PartServer {
  readonly server: Server;
  readonly close: () => void;
}

function dashboardServer(part: PartEnvironment, env: Environment, logger: Logger): PartServer {
  const settings = parseSettings(env, [
    'MEMCACHED_SERVERS',
    'MEMCACHED_PLACEMENT',
    'DJANGO_KEY_PREFIX',
    'DJANGO_KEY_VERSION',
    'SESSION_COOKIE_NAME',
  ]);
  const cluster = new Cluster({
    nodes: settings.MEMCACHED_SERVERS,
    placement: settings.MEMCACHED_PLACEMENT,
    logger,
  });
  const tokens = new ConsoleTokens(part.DEMO_TOKEN_SECRET);
  const app = createMockDashboard({
    name: part.DEMO_NAME,
    sessions: djangoSession({
      client: cluster,
      cookieName: settings.SESSION_COOKIE_NAME,
      keyPrefix: settings.DJANGO_KEY_PREFIX,
      keyVersion: settings.DJANGO_KEY_VERSION,
      logger,
    }),
    users: { [part.DEMO_USER]: part.DEMO_PASSWORD },
    consoleUrl: part.DEMO_CONSOLE_URL,
    tokens: (instanceId) => tokens.issue(instanceId),
    logger,
  });
  return { server: createServer(app), close: () => cluster.close() };
}

function consoleServer(part: PartEnvironment, logger: Logger): PartServer {
  const tokens = new ConsoleTokens(part.DEMO_TOKEN_SECRET);
  const mock = createMockConsole({
    name: part.DEMO_NAME,
    checkToken: (token) => tokens.check(token),
    logger,
  });
  const server = createServer(mock.app);
  server.on('upgrade', mock.handleUpgrade);
  return { server, close: () => mock.close() };
}
