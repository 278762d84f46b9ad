import type { RelayReport } from '../relay/relay-report.ts';
import type { RequestCounter } from '../relay/request-counts.ts';

/** Counts what is answered, and passes everything on. */
export class CountingReport implements RelayReport {
  readonly failed: RelayReport['failed'];
  readonly tunnelOpened: RelayReport['tunnelOpened'];
  readonly tunnelClosed: RelayReport['tunnelClosed'];
  readonly #next: RelayReport;
  readonly #counter: RequestCounter;

  constructor(next: RelayReport, counter: RequestCounter) {
    this.#next = next;
    this.#counter = counter;
    this.failed = next.failed.bind(next);
    this.tunnelOpened = next.tunnelOpened.bind(next);
    this.tunnelClosed = next.tunnelClosed.bind(next);
  }

  answered(...[record]: Parameters<RelayReport['answered']>): void {
    this.#counter.count(record.status, record.ms);
    this.#next.answered(record);
  }
}
