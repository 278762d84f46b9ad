import type { Client } from '../policy/forwarded.ts';
import type { Endpoints } from '../upstream/endpoints.ts';
import type { Lease } from '../upstream/pool.ts';
import type { Admission, Admitted } from './admission.ts';
import type { AnswerPolicy } from './answer.ts';
import type { Deadlines } from './deadlines.ts';
import type { ExchangeContext } from './exchange.ts';
import type { RequestHead } from './head.ts';
import type { Outbox } from './outbox.ts';
import type { RawConnection } from './raw-connection.ts';
import type { RelayCounters } from './relay-counters.ts';
import type { ExchangeRecord, RelayReport } from './relay-report.ts';
import type { EarlyBytes } from './tunnel.ts';

/** What a relay does to a connection from outside. */
export interface Retirable {
  /** Takes no further requests: ends now if idle, otherwise after the present answer. */
  retire(): void;
  /** Ends at once. */
  destroy(): void;
}

/** Who is at the other end of a downstream connection. */
export interface DownstreamPeer extends Client {
  /** Both ends of its connection; one object for each connection. */
  readonly endpoints: Endpoints;
}

export interface DownstreamTimeouts {
  /** From the first byte of a request to the end of its head, in ms. */
  readonly headerMs: number;
  /** Between two requests. */
  readonly keepAliveMs: number;
  /** Silence of a client within a request, or while it takes an answer. */
  readonly clientMs: number;
  /** Least bytes of a body in a second, beyond pauses of `clientMs` in all; 0: however few. */
  readonly bodyRate: number;
}

/** A tunnel that is to be. */
export interface TunnelOpening {
  readonly downstream: RawConnection;
  readonly upstream: RawConnection;
  readonly early: EarlyBytes;
  readonly lease: Lease;
  readonly admitted: Admitted | undefined;
  /** The request that became it, for the log. */
  readonly request: ExchangeRecord;
}

/** Where consoles that reconnect go back to. */
export interface TunnelPins {
  /** What stands for the console that a handshake asks for; undefined: it names none. */
  keyOf(target: string, cookie: string | undefined): string | undefined;
  /** The name of the backend that it was on. Never rejects, and does not take long. */
  recall(key: string): string | undefined | Promise<string | undefined>;
  /** It is on that backend now. */
  keep(key: string, backend: string): void;
}

/** What the connections of one relay share. */
export interface DownstreamContext extends ExchangeContext, AnswerPolicy {
  readonly deadlines: Deadlines;
  readonly outbox: Outbox;
  /** What clients send is read into it. */
  readonly readBuffer: Buffer;
  readonly timeouts: DownstreamTimeouts;
  readonly report: RelayReport;
  readonly counters: RelayCounters;
  readonly pins: TunnelPins | undefined;
  /** No connection takes another request. */
  readonly retiring: boolean;
  /**
   * Where a request is sent instead of to a backend; undefined: to a backend. Throws GatewayError
   * for what is closed, or too much.
   */
  readonly route: (request: RequestHead, peer: DownstreamPeer) => string | undefined;
  /** Who may have a websocket; undefined: everybody. */
  readonly admission: Admission | undefined;
  openTunnel(opening: TunnelOpening): void;
  /** The connection is closed or a tunnel. */
  forget(connection: Retirable): void;
}
