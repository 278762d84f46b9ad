import type { Counts } from '../admin/counts.ts';
import type { Config } from '../config.ts';
import type { Mailbox } from './mailbox.ts';
import { Reporter } from './reporter.ts';
import { VitalsReader } from './vitals-reader.ts';
import type { FromWorker, Task } from './worker-messages.ts';

/** How often a worker tells its counts, in ms: what it counts after that is lost where it is killed. */
const COUNTS_MS = 1_000;

/** Tells the supervisor what a worker counts, and how it is; nothing where there are no metrics. */
export class CountsReporter {
  readonly #reporter: Reporter<Counts> | undefined;
  readonly #vitals: VitalsReader | undefined;

  constructor(
    { METRICS }: Config,
    kind: Task['kind'],
    supervisor: Mailbox<FromWorker>,
    read: () => Counts,
  ) {
    if (!METRICS) return;
    const vitals = new VitalsReader();
    this.#vitals = vitals;
    this.#reporter = new Reporter<Counts>(
      () => {
        const counts = read();
        const { user, system } = process.cpuUsage();
        const cpu = { [kind]: (user + system) / 1e6 };
        return { ...counts, totals: { ...counts.totals, cpu }, vitals: vitals.read() };
      },
      (counts) => supervisor.sendLatest('counts', { type: 'counts', counts }),
      COUNTS_MS,
    );
  }

  /** Tells now. */
  now(): void {
    this.#reporter?.now();
  }

  /** Tells for the last time. */
  stop(): void {
    this.now();
    this.#reporter?.stop();
    this.#vitals?.stop();
  }
}
