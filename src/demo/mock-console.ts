import { existsSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import express from 'express';
import { type WebSocket, WebSocketServer } from 'ws';
import { messageOf } from '../errors.ts';
import { type Logger, silentLogger } from '../log.ts';
import { readCookie } from './request-cookie.ts';
import { RfbSession } from './rfb-session.ts';

/** The largest message taken from a viewer, in bytes. */
const MAX_MESSAGE_BYTES = 256 * 1024;
/** How long the token check may take, and how long a viewer may take to close. */
const CHECK_MS = 10_000;
const CLOSE_MS = 2_000;
const KEEPALIVE_MS = 30_000;

const CLOSE_GOING_AWAY = 1001;
const CLOSE_PROTOCOL_ERROR = 1002;

export interface MockConsoleOptions {
  /** Drawn on the screen and part of the desktop's name. */
  readonly name: string;
  /** Whether a console token is good; a rejection counts as no. */
  readonly checkToken: (token: string) => boolean | Promise<boolean>;
  /** A directory that holds noVNC (`core/`, `vendor/`, perhaps pages); the npm package's own. */
  readonly novncPath?: string;
  /** Host names whose pages may connect, beside the one that the request's Host names. */
  readonly allowedOrigins?: readonly string[];
  readonly logger?: Logger;
}

export interface MockConsole {
  /** noVNC's pages. */
  readonly app: express.Express;
  /** Takes an upgrade request, as a listener of an HTTP server's `upgrade` event. */
  readonly handleUpgrade: (req: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Ends every console with 1001, and those that do not follow within 2 s by force. */
  readonly close: () => void;
  /** Consoles that are open now; a viewer whose token is still unchecked is not one. */
  readonly connections: () => number;
}

/**
 * A console proxy as nova-novncproxy is one to a front door: noVNC's pages, and at any path a
 * websocket that carries RFB, gated on a token in its query or, without one, in the cookie
 * `token`. As nova does, it answers 101 to a bad token and only then drops the connection.
 */
export function createMockConsole(options: MockConsoleOptions): MockConsole {
  const { name, checkToken, allowedOrigins = [] } = options;
  const logger = (options.logger ?? silentLogger).child({ console: name });
  const consoles = new Set<WebSocket>();
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has('binary') ? 'binary' : false),
  });

  async function admit(socket: WebSocket, req: IncomingMessage, transport: Duplex): Promise<void> {
    socket.pause(); // Whatever the viewer says already is read once the token is known to be good.
    socket.on('error', (error) => logger.debug({ reason: error.message }, 'websocket error'));
    const token = consoleToken(req);
    const good = token !== undefined && (await isGood(token, checkToken, logger));
    if (socket.readyState !== socket.OPEN) return;
    socket.resume();
    if (!good) {
      logger.info('refused a console: its token is missing, unknown or expired');
      dropQuietly(socket, transport);
      return;
    }
    consoles.add(socket);
    socket.on('close', () => consoles.delete(socket));
    serveRfb(socket, name, logger);
  }

  function handleUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', (error) => logger.debug({ reason: error.message }, 'socket error'));
    if (!originAllowed(req, allowedOrigins)) {
      refuse(socket, 403, 'Forbidden');
      return;
    }
    if (!protocolAllowed(req)) {
      refuse(socket, 400, 'Bad Request');
      return;
    }
    if (socket instanceof Socket) socket.setKeepAlive(true, KEEPALIVE_MS);
    server.handleUpgrade(req, socket, head, (upgraded) => void admit(upgraded, req, socket));
  }

  return {
    app: consolePages(options.novncPath ?? packagedNovnc()),
    handleUpgrade,
    close: () => {
      for (const socket of server.clients) endWith(socket, CLOSE_GOING_AWAY, 'going away');
      server.close();
    },
    connections: () => consoles.size,
  };
}

/** noVNC's files, our own page where that directory has none, and 501 to what websockify lacks. */
function consolePages(novncPath: string): express.Express {
  if (!existsSync(join(novncPath, 'core', 'rfb.js'))) {
    throw new Error(`${novncPath} holds no noVNC (core/rfb.js is missing): name its directory`);
  }
  const app = express();
  app.disable('x-powered-by');
  app.use((req, res, next) => {
    if (req.method === 'GET' || req.method === 'HEAD') return next();
    res.status(501).type('text').send(`Unsupported method ('${req.method}')\n`);
  });
  app.use(express.static(novncPath, { index: false }));
  app.use(express.static(join(import.meta.dirname, 'static', 'console'), { index: false }));
  app.use((_req, res) => {
    res.status(404).type('text').send('File not found\n');
  });
  return app;
}

/** The directory of the npm package `@novnc/novnc`. */
function packagedNovnc(): string {
  return dirname(dirname(fileURLToPath(import.meta.resolve('@novnc/novnc'))));
}

/** The token of the request's query; without one, of its cookies, as nova looks for it. */
function consoleToken(req: IncomingMessage): string | undefined {
  const url = req.url ?? '';
  const query = url.indexOf('?');
  const inQuery = query === -1 ? null : new URLSearchParams(url.slice(query)).get('token');
  if (inQuery) return inQuery;
  return readCookie(req.headers.cookie, 'token');
}

/** Asks `checkToken`, for at most 10 s. */
async function isGood(
  token: string,
  checkToken: MockConsoleOptions['checkToken'],
  logger: Logger,
): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('the token check took too long')), CHECK_MS);
  });
  try {
    return await Promise.race([checkToken(token), late]);
  } catch (error) {
    logger.warn({ reason: messageOf(error) }, 'a console token could not be checked');
    return false;
  } finally {
    clearTimeout(timer);
  }
}

/** An Origin must name the host that Host names (ports aside), or one that is allowed. */
function originAllowed(req: IncomingMessage, allowed: readonly string[]): boolean {
  const { origin, host = '' } = req.headers;
  if (origin === undefined) return true;
  const from = URL.canParse(origin) ? new URL(origin).hostname : '';
  const to = URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : '';
  return from !== '' && (from === to || allowed.includes(from));
}

/** websockify speaks no subprotocol, or `binary`. */
function protocolAllowed(req: IncomingMessage): boolean {
  const offered = req.headers['sec-websocket-protocol'];
  return offered === undefined || offered.split(',').some((name) => name.trim() === 'binary');
}

function refuse(socket: Duplex, status: number, text: string): void {
  socket.end(`HTTP/1.1 ${status} ${text}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

/** Ends a websocket as nova does on a bad token: the TCP connection ends, with no close frame. */
function dropQuietly(socket: WebSocket, transport: Duplex): void {
  transport.end();
  forceCloseLater(socket);
}

function endWith(socket: WebSocket, code: number, reason: string): void {
  socket.close(code, reason);
  forceCloseLater(socket);
}

function forceCloseLater(socket: WebSocket): void {
  const timer = setTimeout(() => socket.terminate(), CLOSE_MS);
  socket.once('close', () => clearTimeout(timer));
}

/** Runs an RFB session over an open websocket until either ends. */
function serveRfb(socket: WebSocket, name: string, logger: Logger): void {
  const session = new RfbSession(name, {
    send: (bytes) => socket.send(bytes, (error) => error && socket.terminate()),
    buffered: () => socket.bufferedAmount,
    fail: (reason) => {
      logger.info({ reason }, 'a viewer broke the protocol');
      endWith(socket, CLOSE_PROTOCOL_ERROR, reason);
    },
  });
  socket.on('message', (data, isBinary) => {
    if (isBinary) return session.receive(data as Buffer);
    session.close();
    endWith(socket, CLOSE_PROTOCOL_ERROR, 'RFB travels in binary frames');
  });
  socket.on('close', () => session.close());
}
