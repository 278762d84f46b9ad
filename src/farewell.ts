import type { Duplex } from 'node:stream';

/** How long a peer may take to read what is left for it, in ms. */
const GRACE_MS = 2_000;

/**
 * Ends our side of a connection, with some last bytes or none, and the whole of it when the peer
 * has taken them or `GRACE_MS` later: a peer that does not read must not hold it open.
 */
export function endSoon(socket: Duplex, lastBytes?: string): void {
  if (socket.destroyed) return;
  destroySoon(socket);
  socket.end(lastBytes, () => socket.destroy());
}

/** Ends the whole of a connection `GRACE_MS` from now, if it has not ended by then. */
export function destroySoon(socket: Duplex): void {
  const timer = setTimeout(() => socket.destroy(), GRACE_MS);
  socket.once('close', () => clearTimeout(timer));
}
