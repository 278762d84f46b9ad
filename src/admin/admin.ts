import { createServer, type Server } from 'node:http';
import express from 'express';
import { isReady, readState } from './state.ts';
import { type StatusOptions, statusRoutes } from './status-routes.ts';

export interface AdminOptions extends StatusOptions {
  /** The gateway takes no new work; it is not ready then. */
  readonly isStopping: () => boolean;
}

/**
 * The admin listener: `/healthz` (the process lives), `/readyz` (every service has a backend),
 * `/api/state` as JSON, and the status page at `/` with what belongs to it. It only reads.
 */
export function createAdmin(options: AdminOptions): Server {
  return createServer({ headersTimeout: 10_000, requestTimeout: 10_000 }, adminApp(options));
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
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
    next();
  });
  app.get('/healthz', (_req, res) => {
    res.type('text').send('ok\n');
  });
  app.get('/readyz', (_req, res) => {
    if (options.isStopping())
      res.status(503).type('text').send('not ready: the gateway is stopping\n');
    else if (isReady(options.services())) res.type('text').send('ready\n');
    else res.status(503).type('text').send('not ready: a service has no backend that is up\n');
  });
  app.get('/api/state', async (_req, res) => {
    res.json(await readState(options));
  });
  app.use(statusRoutes(options));
  return app;
}
