import type { ExchangeRecord, RelayReport } from '../relay/relay-report.ts';
import type { RequestCounter } from '../relay/request-counts.ts';
import { PassingReport } from './passing-report.ts';

/** Counts what is answered, and passes everything on. */
export class CountingReport extends PassingReport {
  readonly #next: RelayReport;
  readonly #counter: RequestCounter;

  constructor(next: RelayReport, counter: RequestCounter) {
    super(next);
    this.#next = next;
    this.#counter = counter;
  }

  answered(record: ExchangeRecord): void {
    this.#counter.count(record.status, record.ms);
    this.#next.answered(record);
  }
}
