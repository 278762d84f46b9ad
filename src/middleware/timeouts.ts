/** Deadlines of one service, in ms. */
export interface Timeouts {
  /** Connecting to a backend. */
  readonly connectMs: number;
  /** Silence of a backend, before its answer and within it. */
  readonly serverMs: number;
  /** Silence of a client within a request body. */
  readonly clientMs: number;
  /** Waiting for a backend with room. */
  readonly queueMs: number;
  /** Silence of a tunnel, in both directions. */
  readonly tunnelMs: number;
}

/** HAProxy's customary values, and those of OpenStack's deployment tools for tunnels. */
export const DEFAULT_TIMEOUTS: Timeouts = {
  connectMs: 5_000,
  serverMs: 60_000,
  clientMs: 60_000,
  queueMs: 60_000,
  tunnelMs: 3_600_000,
};
