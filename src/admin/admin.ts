import type { SecureContextOptions } from 'node:tls';
import express from 'express';
import { hostAndPort } from '../config-values.ts';
import { type Logger, silentLogger } from '../log.ts';
import { Access, type AccessOptions } from './access.ts';
import { type AdminHttpServer, createAdminHttp } from './admin-http.ts';
import { serveMetrics } from './metrics.ts';
import { type Operations, operationRoutes } from './operations.ts';
import { answerError, unknownPath } from './refusals.ts';
import { isReady, readState } from './state.ts';
import { type StatusOptions, statusRoutes } from './status-routes.ts';

export interface AdminOptions extends Omit<StatusOptions, 'csrfToken' | 'openTunnels'> {
  /** Who may come in; without, everybody may, and nothing can be changed. */
  readonly access?: AccessOptions;
  /** What an operator can do; without, the pages only tell. */
  readonly operations?: Operations;
  readonly logger?: Logger;
  /** The gateway takes no new work; it is not ready then. */
  readonly isStopping: () => boolean;
}

/** So many open tunnels are on the status page; the API has all. */
const SHOWN_TUNNELS = 100;

/**
 * The admin listener: `/healthz` (the process lives), `/readyz` (every service has a backend),
 * the API, and the status page at `/`; over HTTPS where it has something to secure connections by.
 */
export function createAdmin(options: AdminOptions, tls?: SecureContextOptions): AdminHttpServer {
  return createAdminHttp(adminApp(options), tls);
}

/**
 * A gateway without its address is ready all the same: a cluster gives the address to one that is.
 */
function waitingLines({ gateway }: AdminOptions): string {
  const waiting = gateway?.().listeners.filter(({ waiting }) => waiting) ?? [];
  return waiting
    .map(({ name, address, port }) => `${name} waits for ${hostAndPort({ host: address, port })}\n`)
    .join('');
}

/** The Express app of the admin listener. */
export function adminApp(options: AdminOptions): express.Express {
  const app = express();
  app.disable('x-powered-by');
  app.use((_req, res, next) => {
    res.set({
      'cache-control': 'no-store',
      'content-security-policy':
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
      'referrer-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
    next();
  });
  app.get('/healthz', (_req, res) => {
    res.type('text').send('ok\n');
  });
  app.get('/readyz', (_req, res) => {
    const fault = options.isStopping()
      ? 'the gateway is stopping'
      : isReady(options.services())
        ? undefined
        : 'a service has no backend that is up and takes work';
    if (fault) res.status(503).type('text').send(`not ready: ${fault}\n`);
    else res.type('text').send(`ready\n${waitingLines(options)}`);
  });
  const { access: accessOptions, operations, logger = silentLogger } = options;
  const access = accessOptions && new Access(accessOptions);
  if (access) app.use(access.routes());
  if (access && operations) app.use(operationRoutes(operations, logger));
  app.get('/api/state', async (_req, res) => {
    res.json(await readState(options));
  });
  serveMetrics(app, options);
  app.use(
    statusRoutes({
      ...options,
      ...(access && operations
        ? {
            csrfToken: (res) => access.csrfToken(res),
            openTunnels: () => operations.openTunnels(SHOWN_TUNNELS),
          }
        : {}),
    }),
  );
  app.use(unknownPath, answerError(logger));
  return app;
}
