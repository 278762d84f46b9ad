import type { Server } from 'node:net';
import type { ListenerTotals } from '../admin/counts.ts';
import type { Refusal } from '../listener/listener.ts';

/** Counts what comes to one listener. */
export class ListenerMeter {
  /** Connections that are open. */
  open = 0;
  readonly #totals: ListenerTotals = {
    accepted: 0,
    fullHandshakes: 0,
    resumptions: 0,
    refused: { accept: 0, limit: 0, address: 0, proxyHeader: 0, handshake: 0 },
  };

  /** Counts the connections of a server. */
  watch(server: Server): void {
    server.on('connection', (socket) => {
      this.#totals.accepted += 1;
      this.open += 1;
      socket.once('close', () => {
        this.open -= 1;
      });
    });
  }

  secured(resumed: boolean): void {
    if (resumed) this.#totals.resumptions += 1;
    else this.#totals.fullHandshakes += 1;
  }

  refused(cause: Refusal['cause']): void {
    this.#totals.refused[cause] += 1;
  }

  totals(): ListenerTotals {
    return structuredClone(this.#totals);
  }
}
