import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import { createServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import express, { type ErrorRequestHandler, type Express } from 'express';
import type { Config } from '../config.ts';
import { GatewayError, messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Dashgate } from '../middleware/dashgate.ts';
import { endSoon } from '../middleware/farewell.ts';
import type { PeerReader } from '../middleware/peer.ts';
import { assertAllowed } from '../policy/access.ts';
import { errorPage, rawErrorPage } from '../policy/error-page.ts';
import { isRoot } from '../policy/redirect.ts';
import { accessLog } from './access-log.ts';

export interface ServiceOptions {
  readonly config: Config;
  readonly gate: Dashgate;
  readonly readPeer: PeerReader;
  readonly logger: Logger;
  /** Where a request for `/` is sent. */
  readonly rootRedirect?: string | undefined;
  /** Paths that are closed to the outside. */
  readonly deny?: readonly string[];
}

/** The HTTPS server of one service: what is decided here, and the middleware door behind it. */
export function createService(options: ServiceOptions): Server {
  const { config, gate } = options;
  const server = createServer({
    cert: config.keyPair.cert,
    key: config.keyPair.key,
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
    headersTimeout: config.HEADER_TIMEOUT,
    connectionsCheckingInterval: 1_000,
    handshakeTimeout: config.HEADER_TIMEOUT,
    keepAliveTimeout: config.KEEPALIVE_TIMEOUT,
    // An upload may take as long as it makes progress; CLIENT_TIMEOUT sees to that.
    requestTimeout: 0,
    // Only a websocket is an upgrade; h2c and others are plain requests (RFC 9110 §7.8).
    shouldUpgradeCallback: (req: IncomingMessage) => /^websocket$/i.test(req.headers.upgrade ?? ''),
  });
  server.on('request', createApp(options));
  server.on('upgrade', (req, socket, head) => {
    try {
      assertAllowed(req.url ?? '', options.deny ?? []);
      gate.upgrade(req, socket, head);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      endSoon(
        socket,
        rawErrorPage(error.kind, req.headers.accept, options.readPeer(req).requestId),
      );
    }
  });
  // Handshakes that fail are the client's affair; without a listener Node resets them silently.
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    refuseUnparsed(error, socket, options.logger);
  });
  server.on('tlsClientError', (error: NodeJS.ErrnoException) => {
    options.logger.debug({ code: error.code }, 'TLS handshake failed');
  });
  return server;
}

/** Answers what never became a request: Node's parser refused it, or its head took too long. */
function refuseUnparsed(error: NodeJS.ErrnoException, socket: Duplex, logger: Logger): void {
  const kind =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? 'headTooLarge'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? 'requestTimeout'
        : 'badRequest';
  // A handshake that was not finished cannot carry an answer, and would never end.
  const isSecure = !(socket instanceof TLSSocket) || socket.getProtocol() !== null;
  if (
    error.code === 'ECONNRESET' ||
    !socket.writable ||
    !isSecure ||
    /^ERR_(TLS|SSL)/.test(error.code ?? '')
  ) {
    socket.destroy();
    return;
  }
  const requestId = randomUUID();
  logger.info({ requestId, kind, detail: error.code ?? error.message }, 'request refused');
  endSoon(socket, rawErrorPage(kind, undefined, requestId));
}

function createApp({
  config,
  gate,
  readPeer,
  logger,
  rootRedirect,
  deny = [],
}: ServiceOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  if (config.ACCESS_LOG) app.use(accessLog(gate, readPeer, logger));
  app.use((req, res, next) => {
    if (config.HSTS) res.setHeader('strict-transport-security', config.HSTS);
    assertAllowed(req.url, deny);
    if (rootRedirect && isRoot(req.url)) {
      res.redirect(301, rootRedirect);
      return;
    }
    next();
  });
  app.use(gate);
  app.use(renderError(readPeer, logger));
  return app;
}

/** The one place where a failed request gets its answer. */
function renderError(readPeer: PeerReader, logger: Logger): ErrorRequestHandler {
  return (error, req, res, _next) => {
    const failure =
      error instanceof GatewayError ? error : new GatewayError('internal', messageOf(error));
    const { requestId } = readPeer(req);
    const fields = { requestId, kind: failure.kind, detail: failure.message };
    // What clients get wrong is theirs; what backends do is for the operator to look at.
    if (failure.source === 'downstream') logger.info(fields, 'request refused');
    else logger.warn(fields, 'request failed');
    if (res.headersSent) {
      res.destroy();
      return;
    }
    const page = errorPage(failure.kind, req.headers.accept, requestId);
    for (const [name, value] of Object.entries(page.headers)) res.setHeader(name, value);
    // What follows on the connection is either the rest of a body that nobody reads, or not to be
    // trusted.
    if (!req.complete || failure.kind === 'badRequest') res.setHeader('connection', 'close');
    res.status(page.status).end(req.method === 'HEAD' ? undefined : page.body);
  };
}
