import { READ_BYTES } from '../intake.ts';
import type { Backend } from '../upstream/backend.ts';
import type { Endpoints } from '../upstream/endpoints.ts';
import type { Deadlines } from './deadlines.ts';
import type { Outbox } from './outbox.ts';
import { UpstreamConnection, type UpstreamTimeouts } from './upstream-connection.ts';

/** Most unused connections that are kept for one backend. */
const MAX_IDLE = 256;

/** The connections to backends: busy ones, and unused ones that are kept for the next exchange. */
export class ConnectionPool {
  readonly #deadlines: Deadlines;
  readonly #timeouts: UpstreamTimeouts;
  readonly #outbox: Outbox;
  /** All of them are read into it: none is read while another one's bytes are dealt with. */
  readonly #buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  readonly #idle = new Map<Backend, UpstreamConnection[]>();
  /** Unused or not. */
  readonly #open = new Set<UpstreamConnection>();
  #closing = false;

  constructor(deadlines: Deadlines, timeouts: UpstreamTimeouts, outbox: Outbox) {
    this.#deadlines = deadlines;
    this.#timeouts = timeouts;
    this.#outbox = outbox;
  }

  /**
   * A connection to the backend. With `mayReuse` the one that was used last, whose chance of being
   * stale is the least; otherwise, or where none is unused, a new one. A backend that was told by a
   * PROXY protocol header whom a connection is for gets requests of that client's connection alone.
   */
  take(backend: Backend, mayReuse: boolean, client: Endpoints): UpstreamConnection {
    const reused = mayReuse ? this.#takeIdle(backend, client) : undefined;
    if (reused) {
      backend.traffic.reused += 1;
      return reused;
    }
    const connection = new UpstreamConnection(
      backend,
      client,
      this.#deadlines,
      this.#timeouts,
      this.#buffer,
      this.#outbox,
      this.#onIdle,
      this.#onClosed,
    );
    this.#open.add(connection);
    return connection;
  }

  #takeIdle(backend: Backend, client: Endpoints): UpstreamConnection | undefined {
    const idle = this.#idle.get(backend);
    if (!backend.address.sendProxy) return idle?.pop();
    const at = idle?.findLastIndex((connection) => connection.client === client) ?? -1;
    return at < 0 ? undefined : idle?.splice(at, 1)[0];
  }

  /** Ends unused connections now and busy ones when they are done. */
  close(): void {
    this.#closing = true;
    for (const connections of this.#idle.values()) {
      for (const connection of [...connections]) connection.close();
    }
  }

  /** A backend is gone: ends what is unused, and has whoever waits for an answer know. */
  leave(backend: Backend): void {
    for (const connection of [...this.#open]) {
      if (connection.backend === backend) connection.leave();
    }
  }

  readonly #onIdle = (connection: UpstreamConnection): void => {
    let idle = this.#idle.get(connection.backend);
    if (!idle) {
      idle = [];
      this.#idle.set(connection.backend, idle);
    }
    if (this.#closing || idle.length >= MAX_IDLE) connection.close();
    else idle.push(connection);
  };

  readonly #onClosed = (connection: UpstreamConnection): void => {
    this.#open.delete(connection);
    const idle = this.#idle.get(connection.backend);
    const at = idle?.indexOf(connection) ?? -1;
    if (at >= 0) idle?.splice(at, 1);
  };
}
