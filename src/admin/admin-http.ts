import {
  createServer,
  type Server as PlainServer,
  type RequestListener,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { plainAddress } from '../policy/networks.ts';
import { Seats } from '../policy/seats.ts';

/** Of the admin listener; with TLS, its certificate can be exchanged. */
export type AdminHttpServer = PlainServer | TlsServer;

/** How long a client may take, in ms, and how often that is looked at. */
const OPTIONS: ServerOptions = {
  headersTimeout: 10_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 1_000,
  // Node's own refusal is made for each head that it reads, and would not be counted.
  requireHostHeader: false,
};
const HANDSHAKE_MS = 10_000;
/** How long a connection may do nothing, in ms: take no answer, above all. */
const IDLE_MS = 60_000;
/** Connections in all, and of one address: a browser has six, and one for each page that is live. */
const MOST_CONNECTIONS = 256;
const MOST_PER_ADDRESS = 64;
/** Answers that wait in a connection: browsers and programs ask one after the other. */
const MOST_WAITING = 8;

/**
 * An HTTP server for operators, over HTTPS where it has something to secure connections by. Whoever
 * reaches it can make it keep so much and no more: it is in the process that checks backends.
 */
export function createAdminHttp(
  listener: RequestListener,
  tls?: SecureContextOptions,
): AdminHttpServer {
  const pipelines = new Pipelines();
  const bounded = pipelines.bound(withHost(listener));
  const server = tls
    ? createTlsServer({ ...OPTIONS, handshakeTimeout: HANDSHAKE_MS, ...tls }, bounded)
    : createServer(OPTIONS, bounded);
  // Who expects anything but 100-continue (RFC 9110 §10.1.1) is answered by Node where nobody else does.
  server.on(
    'checkExpectation',
    pipelines.bound((_req, res) => refuse(res, 417)),
  );
  server.timeout = IDLE_MS;
  server.maxConnections = MOST_CONNECTIONS;
  const seats = new Seats(MOST_PER_ADDRESS);
  server.on('connection', (socket: Socket) => {
    const seat = seats.tryTake(plainAddress(socket.remoteAddress));
    if (seat) socket.once('close', seat.leave);
    else socket.destroy();
  });
  return server;
}

/** Refuses a request without a host, as Node does unless told otherwise (RFC 9112 §3.2). */
function withHost(listener: RequestListener): RequestListener {
  return (req, res) => {
    if (req.headers.host === undefined && req.httpVersion === '1.1') refuse(res, 400);
    else listener(req, res);
  };
}

function refuse(res: ServerResponse, status: number): void {
  res.writeHead(status, { connection: 'close' }).end();
}

/**
 * Node makes a request and an answer of each head that it reads, a thousand of one read, and keeps all of
 * them while the first answer is not taken: 25 bytes of a client are 9 KiB here.
 */
class Pipelines {
  /** Answers that wait, by connection. */
  readonly #waiting = new WeakMap<Socket, number>();

  /** Has a listener hear of a request unless too many wait; its connection is ended then. */
  bound(listener: RequestListener): RequestListener {
    return (req, res) => {
      const { socket } = req;
      if (socket.destroyed) return;
      const count = (this.#waiting.get(socket) ?? 0) + 1;
      if (count > MOST_WAITING) {
        socket.destroy();
        return;
      }
      this.#waiting.set(socket, count);
      res.once('close', () => this.#waiting.set(socket, this.#waiting.get(socket)! - 1));
      listener(req, res);
    };
  }
}
