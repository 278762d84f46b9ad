import type { Counts } from '../admin/counts.ts';
import type { Decision } from '../memcached/decisions.ts';
import type { ListenerConfig } from './listeners.ts';
import type { DataReport } from './messages.ts';

/** Standing decisions as text, for all gateways and for this one; see `encodeDecisions`. */
export interface DecisionsText {
  readonly cluster: string;
  readonly local: readonly (readonly [subject: string, Decision])[];
}

/** From a gateway to the one that takes its place. */
export type ToSuccessor =
  /** With a listening socket. */
  | { readonly type: 'socket'; readonly config: ListenerConfig }
  /** That were all sockets. */
  | {
      readonly type: 'begin';
      readonly ticketSecret: string;
      readonly report: DataReport;
      readonly counts?: Counts;
      readonly decisions?: DecisionsText | undefined;
    }
  | { readonly type: 'report'; readonly report: DataReport; readonly counts?: Counts };

/** From a gateway to the one whose place it takes. */
export type FromSuccessor =
  | { readonly type: 'serving' }
  | { readonly type: 'failed'; readonly detail: string };
