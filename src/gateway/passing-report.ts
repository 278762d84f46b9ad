import type { ExchangeRecord, RelayReport } from '../relay/relay-report.ts';

/** Does something with what was answered, and passes everything else on as it is. */
export abstract class PassingReport implements RelayReport {
  readonly failed: RelayReport['failed'];
  readonly tunnelOpened: RelayReport['tunnelOpened'];
  readonly tunnelClosed: RelayReport['tunnelClosed'];

  constructor(next: RelayReport) {
    this.failed = next.failed.bind(next);
    this.tunnelOpened = next.tunnelOpened.bind(next);
    this.tunnelClosed = next.tunnelClosed.bind(next);
  }

  abstract answered(record: ExchangeRecord): void;
}
