import {
  type HistogramTotals,
  REQUEST_BUCKETS,
  type ServiceTotals,
  TUNNEL_BUCKETS,
} from '../admin/counts.ts';
import { ERROR_TABLE, type ErrorKind, type GatewayError } from '../errors.ts';
import type { RelayCounters } from '../relay/relay-counters.ts';
import type { ExchangeRecord, RelayReport, TunnelRecord } from '../relay/relay-report.ts';
import { TUNNEL_CAUSES, type TunnelCause } from '../relay/tunnel-ending.ts';
import type { Pool } from '../upstream/pool.ts';

/** What of a backend is counted by answers; the rest is in its own counters. */
interface Answers {
  readonly codes: number[];
  seconds: number;
}

/**
 * Counts what a relay reports, and passes it on. This is done for every request, so it adds to plain
 * numbers; who makes metrics of them is in another process.
 */
export class RelayMeter implements RelayReport {
  readonly #next: RelayReport;
  readonly #codes = digits();
  readonly #durations = new Histogram(REQUEST_BUCKETS);
  readonly #failures = zeros(Object.keys(ERROR_TABLE) as ErrorKind[]);
  readonly #backends = new Map<string, Answers>();
  readonly #ended = zeros(TUNNEL_CAUSES);
  readonly #tunnelDurations = new Histogram(TUNNEL_BUCKETS);
  #opened = 0;

  constructor(next: RelayReport) {
    this.#next = next;
  }

  answered(record: ExchangeRecord): void {
    const digit = Math.trunc(record.status / 100);
    const seconds = record.exactMs / 1_000;
    this.#count(this.#codes, digit);
    this.#durations.observe(seconds);
    // It may be one that was claimed and never answered.
    if (record.backend !== undefined && record.responseMs >= 0) {
      const answers = this.#answersOf(record.backend);
      this.#count(answers.codes, digit);
      answers.seconds += seconds;
    }
    this.#next.answered(record);
  }

  failed(requestId: string, failure: GatewayError): void {
    this.#failures[failure.kind] += 1;
    this.#next.failed(requestId, failure);
  }

  tunnelOpened(backend: string): void {
    this.#opened += 1;
    // Its answer was a 101, which is logged when the tunnel ends.
    this.#count(this.#codes, 1);
    this.#count(this.#answersOf(backend).codes, 1);
    this.#next.tunnelOpened(backend);
  }

  tunnelClosed(record: TunnelRecord, request: ExchangeRecord, cause: TunnelCause): void {
    this.#ended[cause] += 1;
    this.#tunnelDurations.observe(record.ms / 1_000);
    this.#next.tunnelClosed(record, request, cause);
  }

  /** All that was counted of a service, with what its relay and its pool have counted. */
  totals({ backends, waits }: Pool, counters: RelayCounters): ServiceTotals {
    return {
      codes: [...this.#codes],
      durations: this.#durations.read(),
      failures: { ...this.#failures },
      waits: waits.count,
      waitSeconds: waits.ms / 1_000,
      bytesIn: counters.bytesIn,
      bytesOut: counters.bytesOut,
      tunnels: {
        opened: this.#opened,
        ended: { ...this.#ended },
        durations: this.#tunnelDurations.read(),
        bytesIn: counters.tunnelBytesIn,
        bytesOut: counters.tunnelBytesOut,
      },
      backends: Object.fromEntries(
        backends.map(({ name, failed, traffic }) => {
          const { connections: _level, ...sums } = traffic;
          const { codes, seconds } = this.#answersOf(name);
          const responseFailures = Math.max(0, failed - traffic.connectFailures);
          return [name, { codes: [...codes], seconds, responseFailures, ...sums }];
        }),
      ),
    };
  }

  #answersOf(backend: string): Answers {
    let answers = this.#backends.get(backend);
    if (!answers) {
      answers = { codes: digits(), seconds: 0 };
      this.#backends.set(backend, answers);
    }
    return answers;
  }

  /** What a backend says beyond 599 is taken for its error. */
  #count(codes: number[], digit: number): void {
    const index = Math.min(digit, codes.length - 1);
    codes[index]! += 1;
  }
}

class Histogram {
  readonly #bounds: readonly number[];
  readonly #buckets: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#buckets = new Array(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    let at = 0;
    while (at < this.#bounds.length && value > this.#bounds[at]!) at += 1;
    this.#buckets[at]! += 1;
    this.#sum += value;
  }

  read(): HistogramTotals {
    return { buckets: [...this.#buckets], sum: this.#sum };
  }
}

/** One for each first digit of a status, and 0. */
function digits(): number[] {
  return [0, 0, 0, 0, 0, 0];
}

function zeros<Name extends string>(names: readonly Name[]): Record<Name, number> {
  return Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
}
