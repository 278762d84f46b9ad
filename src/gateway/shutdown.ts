import type { Server } from 'node:http';

/** How often connections that have become idle are looked for while a server stops, in ms. */
const SWEEP_MS = 100;

/**
 * Stops a server: no new connections, `timeoutMs` for open requests to finish, then an end to what
 * is left. Resolves when its last connection is gone; at once where it never listened.
 */
export function shutDown(server: Server, timeoutMs: number): Promise<void> {
  if (!server.listening) return Promise.resolve();
  return new Promise((resolve) => {
    // A connection that is kept alive falls idle after its last response, not by itself.
    const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
    const deadline = setTimeout(() => server.closeAllConnections(), timeoutMs);
    server.close(() => {
      clearInterval(sweep);
      clearTimeout(deadline);
      resolve();
    });
  });
}
