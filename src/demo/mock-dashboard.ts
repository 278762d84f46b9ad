import { join } from 'node:path';
import express, {
  type ErrorRequestHandler,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';
import { messageOf } from '../errors.ts';
import { type Logger, silentLogger } from '../log.ts';
import { authPages, requireLogin, type Users } from './dashboard-auth.ts';
import { CsrfError, issueCsrfToken } from './dashboard-csrf.ts';
import { INSTANCES } from './dashboard-instances.ts';
import type { Site, Viewer } from './dashboard-layout.ts';
import {
  consolePage,
  errorPage,
  instancesPage,
  overviewPage,
  slowPage,
  transfersPage,
} from './dashboard-pages.ts';
import { absoluteUrl, encodePath, withoutDoubledSlash } from './dashboard-redirects.ts';
import { sessionOf, userOf } from './dashboard-session.ts';
import { DownloadContent, receiveUpload, waitSlowly } from './dashboard-transfers.ts';

export interface MockDashboardOptions {
  /** Shown on every page and sent as X-Served-By. */
  readonly name: string;
  /** The path under which the dashboard lives, with a slash at both ends; `/dashboard/`. */
  readonly webroot?: string;
  /** Gives each request its session; `djangoSession` of the session layer. */
  readonly sessions: RequestHandler;
  readonly users: Users;
  /** The absolute address of the console page, as nova's `novncproxy_base_url`. */
  readonly consoleUrl: string;
  /** A console token for an instance. */
  readonly tokens: (instanceId: string) => string | Promise<string>;
  /** Believe X-Forwarded-Proto, as Django does with SECURE_PROXY_SSL_HEADER; off. */
  readonly trustForwardedProto?: boolean;
  readonly logger?: Logger;
}

/**
 * A dashboard that behaves as Horizon does wherever a front door can notice: login and CSRF,
 * absolute redirects, sessions that are written with every request, static files, slow answers,
 * large downloads and uploads. It knows nothing of TLS unless it is told to trust a header.
 * Throws where `webroot` or `consoleUrl` is unfit.
 */
export function createMockDashboard(options: MockDashboardOptions): express.Express {
  const site: Site = { name: options.name, webroot: options.webroot ?? '/dashboard/' };
  const { webroot } = site;
  if (!/^\/([\w.~-]+\/)*$/.test(webroot)) {
    throw new Error(`webroot ${webroot} is not a path: begin and end it with a slash`);
  }
  const logger = (options.logger ?? silentLogger).child({ dashboard: site.name });

  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false); // Horizon's pages carry none; static files have their own.
  app.set('trust proxy', options.trustForwardedProto ?? false);
  app.use(commonHeaders(site.name, new URL(options.consoleUrl).origin));
  const assets = join(import.meta.dirname, 'static', 'dashboard');
  app.use('/static/dashboard', express.static(assets, { maxAge: '1h', index: false }));
  app.use(neverCache);

  const router = express.Router({ strict: true });
  router.use(options.sessions);
  router.use('/auth', authPages(site, options.users));
  router.get('/', requireLogin(site), (_req, res) => res.redirect(302, `${webroot}project/`));
  router.use('/project', requireLogin(site), projectPages(site, options));
  router.use(appendSlash);
  app.use(webroot, router);
  // Deployers let Apache lead from / to the dashboard.
  if (webroot !== '/') app.get('/', (req, res) => res.redirect(302, absoluteUrl(req, webroot)));

  app.use((_req, res) => {
    res.status(404).send(errorPage(site, 404));
  });
  app.use(errorAnswers(site, logger));
  return app;
}

/** What a user sees; every handler may count on a user being logged in. */
function projectPages(site: Site, options: MockDashboardOptions): express.Router {
  const router = express.Router({ strict: true });
  const content = new DownloadContent();

  router.get('/', (req, res) => {
    res.send(overviewPage(site, viewerOf(req, res), sessionOf(req)));
  });
  router.get('/api/status/', (req, res) => {
    const { requests, served_by: servedBy } = sessionOf(req);
    res.json({ servedBy: site.name, user: userOf(req), requests, instances: servedBy });
  });
  router.get('/instances/', (req, res) => {
    res.send(instancesPage(site, viewerOf(req, res), INSTANCES));
  });
  router.get('/instances/:id/console/', async (req, res, next) => {
    const instance = INSTANCES.find(({ id }) => id === req.params.id);
    if (instance === undefined) {
      next();
      return;
    }
    const token = await options.tokens(instance.id);
    const viewer = viewerOf(req, res);
    res.send(consolePage(site, viewer, instance, { url: options.consoleUrl, token }));
  });
  router.get('/transfers/', (req, res) => {
    res.send(transfersPage(site, viewerOf(req, res)));
  });
  router.get('/slow/', async (req, res) => {
    const ms = await waitSlowly(req, res);
    res.send(slowPage(site, viewerOf(req, res), ms));
  });
  router.get('/download/', (req, res) => content.send(req, res));
  // Where a login in between leads to after an upload.
  router.get('/upload/', (_req, res) => res.redirect(302, `${site.webroot}project/transfers/`));
  router.post('/upload/', async (req, res) => {
    const upload = await receiveUpload(req);
    const isForm = req.is('multipart/form-data') !== false;
    if (isForm && req.accepts(['html', 'json']) === 'html') {
      res.send(transfersPage(site, viewerOf(req, res), upload));
    } else {
      res.json({ servedBy: site.name, ...upload });
    }
  });
  router.get('/failure/', () => {
    throw new Error('this page always fails');
  });
  return router;
}

function viewerOf(req: Request, res: Response): Viewer {
  return { user: userOf(req) ?? '', csrfToken: issueCsrfToken(req, res) };
}

function commonHeaders(name: string, consoleOrigin: string): RequestHandler {
  const headers = {
    'X-Served-By': name,
    'Content-Security-Policy':
      `default-src 'self'; frame-src ${consoleOrigin}; frame-ancestors 'self'; ` +
      "base-uri 'none'; form-action 'self'",
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'SAMEORIGIN',
    'Referrer-Policy': 'same-origin',
  };
  return (_req, res, next) => {
    res.set(headers);
    next();
  };
}

const neverCache: RequestHandler = (_req, res, next) => {
  res.set('Cache-Control', 'no-store').vary('Cookie');
  next();
};

/** Django's APPEND_SLASH: a page's address without its last slash leads to the page. */
const appendSlash: RequestHandler = (req, res, next) => {
  const path = req.baseUrl + req.path;
  const query = /\?.*$/s.exec(req.originalUrl)?.[0] ?? '';
  const isRead = req.method === 'GET' || req.method === 'HEAD';
  if (!isRead || path.endsWith('/')) next();
  else res.redirect(301, `${withoutDoubledSlash(path)}/${query}`);
};

function errorAnswers(site: Site, logger: Logger): ErrorRequestHandler {
  // Express knows an error handler by its four parameters.
  return (error: unknown, _req, res, _next) => {
    if (res.headersSent) {
      logger.warn({ reason: messageOf(error) }, 'a request failed after its answer had begun');
      if (!res.writableEnded) res.destroy();
      return;
    }
    if (error instanceof CsrfError) {
      res.redirect(302, `${site.webroot}auth/login/?csrf_failure=${encodePath(error.message)}`);
      return;
    }
    const status = statusOf(error);
    if (status >= 500) logger.error({ reason: messageOf(error), status }, 'a request failed');
    res.status(status).send(errorPage(site, status));
  };
}

/** The status that an error asks for, as the session layer's and Express's errors do; else 500. */
function statusOf(error: unknown): number {
  const { status } = Object(error) as { status?: unknown };
  return typeof status === 'number' && status >= 400 && status < 600 ? status : 500;
}
