import type { GatewayError } from '../errors.ts';
import type { Termination } from './termination.ts';
import type { TunnelCause } from './tunnel-ending.ts';

/** One answered request, for the log. */
export interface ExchangeRecord {
  readonly requestId: string;
  readonly client: string;
  /** The client's port. */
  readonly port: number;
  readonly secure: boolean;
  /** Empty where no head could be read. */
  readonly method: string;
  /** With its query; how much of it is logged is the reporter's to decide. */
  readonly target: string;
  /** Minor version of HTTP/1 that the client spoke. */
  readonly minor: 0 | 1;
  readonly status: number;
  /** The backend that was claimed last. */
  readonly backend: string | undefined;
  /** The backend that the affinity cookie named. */
  readonly asked: string | undefined;
  /** When it was over, in ms since 1970. */
  readonly endedAt: number;
  /** From the first byte of the request to the last of the answer, in whole ms as all that follow. */
  readonly ms: number;
  /** From the end of its head to the last byte of the answer, not rounded: for sums. */
  readonly exactMs: number;
  /** Until its head was complete, a backend had room, was connected and began to answer; -1: never. */
  readonly requestMs: number;
  readonly queueMs: number;
  readonly connectMs: number;
  readonly responseMs: number;
  /** Of the answer, head and all. */
  readonly bytes: number;
  readonly retries: number;
  /** How many requests stood in line before it. */
  readonly queuedBefore: number;
  readonly termination: Termination;
  /** The answer is not complete. */
  readonly aborted: boolean;
}

/** One tunnel that has ended, for the log. */
export interface TunnelRecord {
  readonly requestId: string;
  readonly client: string;
  readonly backend: string;
  readonly ms: number;
  /** Bytes from the client and from the backend. */
  readonly received: number;
  readonly sent: number;
  /** Code and reason of the close frame by which the gateway ended it; undefined: a side did. */
  readonly code: number | undefined;
  readonly reason: string | undefined;
  readonly termination: Termination;
}

/** Who is told of what a relay does. */
export interface RelayReport {
  answered(record: ExchangeRecord): void;
  failed(requestId: string, failure: GatewayError): void;
  /** A backend has switched protocols. */
  tunnelOpened(backend: string): void;
  /** @param request The request that became the tunnel, as it was then. */
  tunnelClosed(record: TunnelRecord, request: ExchangeRecord, cause: TunnelCause): void;
}
