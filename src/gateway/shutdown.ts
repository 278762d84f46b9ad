import { Server as HttpServer } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import type { Server, Socket } from 'node:net';

/** How often HTTP connections that have become idle are looked for while a server stops, in ms. */
const SWEEP_MS = 100;

/** Stops one server without cutting what it is doing. */
export class Shutdown {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #drained: Promise<void> | undefined;

  constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  /** No new connections; resolves when the last one is gone, at once where it never listened. */
  drain(): Promise<void> {
    this.#drained ??= this.#drain();
    return this.#drained;
  }

  /**
   * No new connections, `timeoutMs` for open ones to finish, then an end to what is left. Resolves
   * when the last connection is gone.
   */
  async run(timeoutMs: number): Promise<void> {
    const deadline = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, timeoutMs);
    await this.drain();
    clearTimeout(deadline);
  }

  #drain(): Promise<void> {
    const server = this.#server;
    if (!server.listening) return Promise.resolve();
    return new Promise((resolve) => {
      const sweep = setInterval(() => {
        if (server instanceof HttpServer || server instanceof HttpsServer) {
          server.closeIdleConnections();
        }
      }, SWEEP_MS);
      server.close(() => {
        clearInterval(sweep);
        resolve();
      });
    });
  }
}
