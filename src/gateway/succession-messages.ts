import type { Counts } from '../admin/counts.ts';
import type { ListenerConfig } from './listeners.ts';
import type { DataReport } from './messages.ts';

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
    }
  | { readonly type: 'report'; readonly report: DataReport; readonly counts?: Counts };

/** From a gateway to the one whose place it takes. */
export type FromSuccessor =
  | { readonly type: 'serving' }
  | { readonly type: 'failed'; readonly detail: string };
