/** What one data plane has had with a backend. Only counted upward, but for `connections`. */
export class BackendTraffic {
  /** Bytes of requests and of answers, heads included, without TLS; those of tunnels are not in it. */
  bytesIn = 0;
  bytesOut = 0;
  /** Connections for requests that are open now, busy or kept. */
  connections = 0;
  /** Connections ever begun, and requests that went over one that had served before. */
  opened = 0;
  reused = 0;
  /** Connections that did not come about, TLS included. */
  connectFailures = 0;
  /** Requests sent once more because a kept connection turned out to be closed. */
  retries = 0;
  /** Requests that failed here and were tried on another backend. */
  redispatches = 0;
}

/** What the control plane has seen of a backend since the gateway started. */
export class BackendHistory {
  checks = 0;
  failedChecks = 0;
  /** How often it went down. */
  falls = 0;
  ejections = 0;
}

/** The histories of backends by name: they go on when one is taken out and put back. */
export class BackendHistories {
  readonly #histories = new Map<string, BackendHistory>();

  of(backend: string): BackendHistory {
    const history = this.#histories.get(backend) ?? new BackendHistory();
    this.#histories.set(backend, history);
    return history;
  }
}
