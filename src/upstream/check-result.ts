import { isOwnFault } from './failure.ts';

/** What a health check of a backend has found. */
export interface CheckResult {
  readonly ok: boolean;
  /** One phrase for logs and the status page. */
  readonly detail: string;
  /** It was asked and gave no answer at all: it is gone, or stands still. */
  readonly silent?: boolean;
  /** It could not be asked, for reasons of this process: nothing is known of the backend. */
  readonly unasked?: boolean;
}

/** What an error says of a backend that gave no answer. */
export function unanswered(error: Error): CheckResult {
  const unasked = isOwnFault(error);
  return { ok: false, detail: error.message, unasked, silent: !unasked };
}
