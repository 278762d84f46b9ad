import type { Socket } from 'node:net';
import { READ_BYTES } from '../intake.ts';
import { settleLayout } from '../object-layout.ts';
import type { AffinityCookie } from '../policy/cookies.ts';
import { Attempts } from '../upstream/attempts.ts';
import type { Backend } from '../upstream/backend.ts';
import type { Pool } from '../upstream/pool.ts';
import type { Admission } from './admission.ts';
import { Answer } from './answer.ts';
import { ClientPatience } from './client-patience.ts';
import { ConnectionPool } from './connection-pool.ts';
import { Deadlines } from './deadlines.ts';
import { DownstreamConnection } from './downstream-connection.ts';
import type {
  DownstreamContext,
  DownstreamPeer,
  DownstreamTimeouts,
  Retirable,
  TunnelOpening,
  TunnelPins,
} from './downstream-context.ts';
import { Exchange } from './exchange.ts';
import { Outbox } from './outbox.ts';
import { RelayCounters } from './relay-counters.ts';
import type { RelayReport } from './relay-report.ts';
import { RequestIds } from './request-ids.ts';
import { SendQueue } from './send-queue.ts';
import { Tunnel, type TunnelTimeouts } from './tunnel.ts';
import { type TunnelLimits, Tunnels, type TunnelView } from './tunnels.ts';
import { UpstreamConnection, type UpstreamTimeouts } from './upstream-connection.ts';
import { UptakeWatch } from './uptake.ts';
import { WebsocketFrames } from './websocket-frames.ts';

// All that comes with every connection, request or tunnel, but for what these have in them.
settleLayout(DownstreamConnection, ClientPatience, UpstreamConnection, SendQueue);
settleLayout(Answer, Exchange, Attempts, Tunnel, WebsocketFrames, UptakeWatch);

/** Deadlines of a relay, in ms. */
export interface RelayTimeouts extends UpstreamTimeouts, DownstreamTimeouts, TunnelTimeouts {}

export interface RelayOptions {
  readonly pool: Pool;
  readonly timeouts: RelayTimeouts;
  readonly tunnelLimits: TunnelLimits;
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
  /** Who may have a websocket; everybody unless told. */
  readonly admission?: Admission | undefined;
  readonly report: RelayReport;
  /** Where consoles that reconnect go back to; undefined: anywhere. */
  readonly pins?: TunnelPins | undefined;
  /** The time in ms, from any start; that of the process unless told. */
  readonly clock?: () => number;
}

/** Relays HTTP/1.1 and what it upgrades to between clients and the backends of one pool. */
export class Relay implements DownstreamContext {
  readonly pool: Pool;
  readonly timeouts: RelayTimeouts;
  readonly retries: number;
  readonly affinity: AffinityCookie | undefined;
  readonly hsts: string | undefined;
  readonly route: RelayOptions['route'];
  readonly admission: Admission | undefined;
  readonly report: RelayReport;
  readonly pins: TunnelPins | undefined;
  readonly deadlines: Deadlines;
  readonly outbox = new Outbox();
  readonly readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);
  readonly counters = new RelayCounters();
  readonly requestIds = new RequestIds();
  readonly connections: ConnectionPool;
  /** No connection takes another request. */
  retiring = false;
  readonly #downstream = new Set<Retirable>();
  readonly #tunnels: Tunnels;

  constructor(options: RelayOptions) {
    this.pool = options.pool;
    this.timeouts = options.timeouts;
    this.retries = options.retries;
    this.affinity = options.affinity;
    this.hsts = options.hsts;
    this.route = options.route;
    this.admission = options.admission;
    this.report = options.report;
    this.pins = options.pins;
    this.deadlines = new Deadlines(options.clock);
    this.#tunnels = new Tunnels(this.deadlines, options.tunnelLimits);
    this.connections = new ConnectionPool(this.deadlines, options.timeouts, this.outbox);
  }

  get authorities(): ReadonlySet<string> {
    return this.pool.authorities;
  }

  /** Open tunnels. */
  get tunnels(): number {
    return this.#tunnels.size;
  }

  /** See {@link Tunnels.view}. */
  viewTunnels(most: number): TunnelView[] {
    return this.#tunnels.view(most);
  }

  /** Ends one tunnel; whether it was there. */
  endTunnel(number: number): boolean {
    return this.#tunnels.end(number);
  }

  /** A backend is gone: what may be asked twice, and has no answer yet, is asked of another one. */
  leave(backend: Backend): void {
    this.connections.leave(backend);
  }

  /** Serves a connection that was accepted, and secured where it is to be. */
  accept(socket: Socket, peer: DownstreamPeer): void {
    this.#downstream.add(new DownstreamConnection(socket, peer, this));
  }

  /** Every request from now on is the last of its connection; what is idle stays, and tunnels. */
  drain(): void {
    this.retiring = true;
  }

  /**
   * Ends what is idle, and tunnels within `spreadMs`; requests under way go on, each the last of its
   * connection.
   */
  retire(spreadMs: number): void {
    this.retiring = true;
    for (const connection of this.#downstream) connection.retire();
    this.#tunnels.retire(spreadMs);
    this.connections.close();
  }

  /** Ends everything at once. */
  destroy(): void {
    for (const connection of this.#downstream) connection.destroy();
  }

  forget(connection: Retirable): void {
    this.#downstream.delete(connection);
  }

  /** Clients that are connected, tunnels included. */
  get clients(): number {
    return this.#downstream.size + this.#tunnels.size;
  }

  openTunnel({ downstream, upstream, early, lease, admitted, request }: TunnelOpening): void {
    const opened = performance.now();
    lease.becomeTunnel();
    this.report.tunnelOpened(lease.backend.name);
    const tunnel = new Tunnel(downstream, upstream, early, this, ({ end, by, ...rest }) => {
      this.#tunnels.remove(tunnel);
      lease.release('ok');
      admitted?.leave();
      const { requestId, client } = request;
      const backend = lease.backend.name;
      const ms = Math.round(performance.now() - opened);
      const ending = { ms, code: end?.code, reason: end?.reason };
      const record = { requestId, client, backend, ...rest, ...ending };
      this.report.tunnelClosed(record, request, end?.cause ?? by);
    });
    this.#tunnels.add(tunnel, lease, request.client);
  }
}
