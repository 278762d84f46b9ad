import type { Backend } from '../upstream/backend.ts';
import type { Deadlines } from './deadlines.ts';
import { UpstreamConnection, type UpstreamTimeouts } from './upstream-connection.ts';

/** Most unused connections that are kept for one backend. */
const MAX_IDLE = 256;

/** The connections to backends: busy ones, and unused ones that are kept for the next exchange. */
export class ConnectionPool {
  readonly #deadlines: Deadlines;
  readonly #timeouts: UpstreamTimeouts;
  readonly #idle = new Map<Backend, UpstreamConnection[]>();
  #closing = false;

  constructor(deadlines: Deadlines, timeouts: UpstreamTimeouts) {
    this.#deadlines = deadlines;
    this.#timeouts = timeouts;
  }

  /**
   * A connection to the backend. With `mayReuse` the one that was used last, whose chance of being
   * stale is the least; otherwise, or where none is unused, a new one.
   */
  take(backend: Backend, mayReuse: boolean): UpstreamConnection {
    const reused = mayReuse ? this.#idle.get(backend)?.pop() : undefined;
    return (
      reused ??
      new UpstreamConnection(backend, this.#deadlines, this.#timeouts, this.#onIdle, this.#onClosed)
    );
  }

  /** Ends unused connections now and busy ones when they are done. */
  close(): void {
    this.#closing = true;
    for (const connections of this.#idle.values()) {
      for (const connection of [...connections]) connection.close();
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
    const idle = this.#idle.get(connection.backend);
    const at = idle?.indexOf(connection) ?? -1;
    if (at >= 0) idle?.splice(at, 1);
  };
}
