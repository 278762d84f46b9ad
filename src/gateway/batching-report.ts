import type { ExchangeRecord, RelayReport } from '../relay/relay-report.ts';
import { PassingReport } from './passing-report.ts';

/** How many answers are passed on together at most. */
const BATCH = 256;
/** How long an answer may be held back, in ms. */
const HOLD_MS = 50;

/**
 * Holds back what was answered and passes it on together: to count many requests and write their lines
 * one after the other takes half the time that each takes amid relaying. The rest is passed on at once.
 */
export class BatchingReport extends PassingReport {
  readonly #next: RelayReport;
  readonly #most: number;
  #held: ExchangeRecord[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param most how many answers are held back at most; with 1 none is */
  constructor(next: RelayReport, most = BATCH) {
    super(next);
    this.#next = next;
    this.#most = most;
  }

  answered(record: ExchangeRecord): void {
    this.#held.push(record);
    if (this.#held.length >= this.#most) this.flush();
    else this.#timer ??= setTimeout(this.#timeUp, HOLD_MS).unref();
  }

  /** Passes on what is held back, before what was counted is read or the process ends. */
  flush(): void {
    const held = this.#held;
    if (held.length === 0) return;
    this.#held = [];
    for (const record of held) this.#next.answered(record);
  }

  readonly #timeUp = (): void => {
    this.#timer = undefined;
    this.flush();
  };
}
