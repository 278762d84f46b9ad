import type { GatewayError } from '../errors.ts';

/** One answered request, for the log. */
export interface ExchangeRecord {
  readonly requestId: string;
  readonly client: string;
  readonly method: string;
  /** With its query; how much of it is logged is the reporter's to decide. */
  readonly target: string;
  readonly status: number;
  readonly backend: string | undefined;
  readonly ms: number;
  /** The client was gone before the answer was complete. */
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
}

/** Who is told of what a relay does. */
export interface RelayReport {
  answered(record: ExchangeRecord): void;
  failed(requestId: string, failure: GatewayError): void;
  tunnelClosed(record: TunnelRecord): void;
}
