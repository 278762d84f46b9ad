import { Server as HttpServer } from 'node:http';
import type { Server, Socket } from 'node:net';

/** How often HTTP connections that have become idle are looked for while a server stops, in ms. */
const SWEEP_MS = 100;

/** Stops one server without cutting what it is doing. */
export class Shutdown {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  /**
   * No new connections, `timeoutMs` for open ones to finish, then an end to what is left. Resolves
   * when the last connection is gone; at once where the server never listened.
   */
  run(timeoutMs: number): Promise<void> {
    const server = this.#server;
    if (!server.listening) return Promise.resolve();
    return new Promise((resolve) => {
      const sweep = setInterval(() => {
        if (server instanceof HttpServer) server.closeIdleConnections();
      }, SWEEP_MS);
      const deadline = setTimeout(() => {
        for (const socket of this.#sockets) socket.destroy();
      }, timeoutMs);
      server.close(() => {
        clearInterval(sweep);
        clearTimeout(deadline);
        resolve();
      });
    });
  }
}
