import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import express, { type ErrorRequestHandler } from 'express';
import { createAdmin } from '../../src/admin/admin.ts';
import { parseConfig } from '../../src/config.ts';
import type { Gateway } from '../../src/gateway/gateway.ts';
import { type Logger, silentLogger } from '../../src/log.ts';
import { type Dashgate, dashgate } from '../../src/middleware/dashgate.ts';
import { errorPage } from '../../src/policy/error-page.ts';
import { gatewaySettings, startTestGateway } from './gateway.ts';

/** Something that stands before backends: the gateway, or an application with the middleware. */
export interface Front {
  readonly name: string;
  readonly start: (
    t: TestContext,
    settings: Record<string, string>,
    logger?: Logger,
  ) => Promise<Pick<Gateway, 'addresses' | 'close'>>;
}

/** Both doors of Dashgate: what is said of one has to hold for the other. */
export const FRONTS: readonly Front[] = [
  { name: 'the gateway', start: startTestGateway },
  { name: 'the middleware', start: startTestApplication },
];

/** An Express application behind TLS with the middleware in it, by the gateway's own settings. */
async function startTestApplication(
  t: TestContext,
  settings: Record<string, string>,
  logger: Logger = silentLogger,
): Promise<Pick<Gateway, 'addresses' | 'close'>> {
  const config = parseConfig({ ...(await gatewaySettings(t)), ...settings });
  const expected = (service: 'portal' | 'console') =>
    service === 'portal' ? config.PORTAL_HEALTH_EXPECT : config.CONSOLE_HEALTH_EXPECT;
  const gateOf = (service: 'portal' | 'console', backends: typeof config.PORTAL_BACKENDS) =>
    dashgate({
      service,
      logger,
      backends,
      retries: config.RETRIES,
      queueLimit: config.QUEUE_LIMIT,
      health: {
        path: config.PORTAL_HEALTH_PATH,
        expect: expected(service)?.statuses ?? '200',
        intervalMs: config.HEALTH_INTERVAL,
        timeoutMs: config.HEALTH_TIMEOUT,
        rise: config.HEALTH_RISE,
        fall: config.HEALTH_FALL,
      },
      timeouts: {
        connectMs: config.CONNECT_TIMEOUT,
        serverMs: config.SERVER_TIMEOUT,
        clientMs: config.CLIENT_TIMEOUT,
        queueMs: config.QUEUE_TIMEOUT,
        tunnelMs: config.TUNNEL_TIMEOUT,
      },
    });
  const portal = gateOf('portal', config.PORTAL_BACKENDS);
  const novnc = gateOf('console', config.CONSOLE_BACKENDS ?? config.PORTAL_BACKENDS);
  const services = [portal, novnc];
  const keyPair = config.keyPairs[0]!;
  const admin = createAdmin({
    services: () => services,
    cluster: () => ({ ping: async () => new Map() }),
    isStopping: () => false,
  });
  const servers = [serverOf(portal, keyPair), serverOf(novnc, keyPair), admin];
  const addresses = await Promise.all(
    servers.map(
      (server) =>
        new Promise<AddressInfo>((resolve) => {
          server.listen(0, '127.0.0.1', () => resolve(server.address() as AddressInfo));
        }),
    ),
  );
  const close = async () => {
    for (const service of services) service.close();
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
  };
  t.after(close);
  await Promise.all(services.map((service) => service.checked));
  const [portalAddress, consoleAddress, adminAddress] = addresses;
  return {
    addresses: { portal: portalAddress!, console: consoleAddress!, admin: adminAddress! },
    close,
  };
}

function serverOf(gate: Dashgate, { cert, key }: { cert: string; key: string }) {
  const app = express();
  app.use(gate);
  app.use(((error, req, res, _next) => {
    const page = errorPage(error.kind, { accept: req.headers.accept });
    for (const [name, value] of Object.entries(page.headers)) res.setHeader(name, value);
    res.status(page.status).end(page.body);
  }) satisfies ErrorRequestHandler);
  const server = createServer({ cert, key }, app);
  server.on('upgrade', gate.upgrade);
  return server;
}
