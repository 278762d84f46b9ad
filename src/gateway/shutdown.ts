import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** How often connections that have become idle are looked for while a server stops, in ms. */
const SWEEP_MS = 100;

/** Stops one server without cutting what it is doing. */
export class Shutdown {
  readonly #server: Server;
  /** TCP connections, with those that Node no longer counts as HTTP: in a handshake, upgraded. */
  readonly #sockets = new Set<Socket>();
  readonly #responses = new Set<ServerResponse>();
  #begun = false;

  constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.prependListener('request', (_req, res) => {
      this.#responses.add(res);
      res.once('close', () => this.#responses.delete(res));
      if (this.#begun) res.shouldKeepAlive = false;
    });
  }

  /**
   * No new connections, `timeoutMs` for open requests to finish, then an end to what is left.
   * Resolves when the last connection is gone; at once where the server never listened.
   */
  run(timeoutMs: number): Promise<void> {
    this.#begun = true;
    if (!this.#server.listening) return Promise.resolve();
    // Clients are told not to ask again on a connection that is about to end.
    for (const res of this.#responses) res.shouldKeepAlive = false;
    return new Promise((resolve) => {
      const sweep = setInterval(() => this.#server.closeIdleConnections(), SWEEP_MS);
      const deadline = setTimeout(() => {
        for (const socket of this.#sockets) socket.destroy();
      }, timeoutMs);
      this.#server.close(() => {
        clearInterval(sweep);
        clearTimeout(deadline);
        resolve();
      });
    });
  }
}
