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
