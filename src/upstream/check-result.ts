/** What a health check of a backend has found. */
export interface CheckResult {
  readonly ok: boolean;
  /** One phrase for logs and the status page. */
  readonly detail: string;
  /** It could not be asked, for reasons of this process: nothing is known of the backend. */
  readonly unasked?: boolean;
}
