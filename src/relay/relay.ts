import type { Socket } from 'node:net';
import type { AffinityCookie } from '../policy/cookies.ts';
import type { Lease, Pool } from '../upstream/pool.ts';
import { ConnectionPool } from './connection-pool.ts';
import { Deadlines } from './deadlines.ts';
import { DownstreamConnection } from './downstream-connection.ts';
import type {
  DownstreamContext,
  DownstreamPeer,
  DownstreamTimeouts,
  Retirable,
  TunnelPins,
} from './downstream-context.ts';
import type { RelayReport, TunnelRecord } from './relay-report.ts';
import { RequestIds } from './request-ids.ts';
import { Tunnel, type TunnelTimeouts } from './tunnel.ts';
import type { Upstream, UpstreamTimeouts } from './upstream-connection.ts';
import { WriteBuffers } from './write-buffers.ts';

/** Deadlines of a relay, in ms. */
export interface RelayTimeouts extends UpstreamTimeouts, DownstreamTimeouts, TunnelTimeouts {}

export interface RelayOptions {
  readonly pool: Pool;
  readonly timeouts: RelayTimeouts;
  /** Most other backends that are tried for one request. */
  readonly retries: number;
  readonly affinity?: AffinityCookie | undefined;
  /** Value of Strict-Transport-Security. */
  readonly hsts?: string | undefined;
  /**
   * Where a request is sent instead of to a backend; undefined: to a backend. Throws GatewayError
   * for what is closed.
   */
  readonly route: DownstreamContext['route'];
  readonly report: RelayReport;
  /** Where consoles that reconnect go back to; undefined: anywhere. */
  readonly pins?: TunnelPins | undefined;
}

/** Relays HTTP/1.1 and what it upgrades to between clients and the backends of one pool. */
export class Relay implements DownstreamContext {
  readonly pool: Pool;
  readonly timeouts: RelayTimeouts;
  readonly retries: number;
  readonly affinity: AffinityCookie | undefined;
  readonly hsts: string | undefined;
  readonly route: RelayOptions['route'];
  readonly report: RelayReport;
  readonly pins: TunnelPins | undefined;
  readonly deadlines = new Deadlines();
  readonly buffers = new WriteBuffers();
  readonly requestIds = new RequestIds();
  readonly connections: ConnectionPool;
  /** No connection takes another request. */
  retiring = false;
  readonly #downstream = new Set<Retirable>();
  readonly #tunnels = new Set<Tunnel>();

  constructor(options: RelayOptions) {
    this.pool = options.pool;
    this.timeouts = options.timeouts;
    this.retries = options.retries;
    this.affinity = options.affinity;
    this.hsts = options.hsts;
    this.route = options.route;
    this.report = options.report;
    this.pins = options.pins;
    this.connections = new ConnectionPool(this.deadlines, options.timeouts);
  }

  get authorities(): ReadonlySet<string> {
    return this.pool.authorities;
  }

  /** Open tunnels. */
  get tunnels(): number {
    return this.#tunnels.size;
  }

  /** Serves a connection that was accepted, and secured where it is to be. */
  accept(socket: Socket, peer: DownstreamPeer): void {
    this.#downstream.add(new DownstreamConnection(socket, peer, this));
  }

  /** Every request from now on is the last of its connection; what is idle stays, and tunnels. */
  drain(): void {
    this.retiring = true;
  }

  /** Ends tunnels and what is idle; requests under way go on, each the last of its connection. */
  retire(): void {
    this.retiring = true;
    for (const connection of this.#downstream) connection.retire();
    for (const tunnel of this.#tunnels) tunnel.close();
    this.connections.close();
  }

  /** Ends everything at once. */
  destroy(): void {
    for (const connection of this.#downstream) connection.destroy();
  }

  forget(connection: Retirable): void {
    this.#downstream.delete(connection);
  }

  openTunnel(
    downstream: Socket,
    upstream: Upstream,
    lease: Lease,
    record: Pick<TunnelRecord, 'requestId' | 'client' | 'backend'>,
  ): void {
    const opened = performance.now();
    lease.becomeTunnel();
    const tunnel = new Tunnel(downstream, upstream, this, (bytes) => {
      this.#tunnels.delete(tunnel);
      lease.release('ok');
      const ms = Math.round(performance.now() - opened);
      this.report.tunnelClosed({ ...record, ...bytes, ms });
    });
    this.#tunnels.add(tunnel);
  }
}
