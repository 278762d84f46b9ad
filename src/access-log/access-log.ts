import { type LineOutput, type Logger, lineOutput } from '../log.ts';
import type { ExchangeRecord } from '../relay/relay-report.ts';
import type { LogDestination } from './destination.ts';
import { SocketSyslog } from './socket-syslog.ts';
import { UdpSyslog } from './udp-syslog.ts';

export const ACCESS_LOG_FORMATS = ['json', 'httplog'] as const;

export interface AccessLogOptions {
  readonly destination: LogDestination;
  readonly format: (typeof ACCESS_LOG_FORMATS)[number];
  /** Of requests that went well, one in so many is logged. */
  readonly sample: number;
  /** Requests that took so long, in ms, are always logged. */
  readonly slowMs: number;
  readonly logger: Logger;
}

/** How often it is looked for lines that were lost, and told of them, in ms. */
const TELL_MS = 10_000;
const FIRST_ERROR_STATUS = 400;

/** The access log of a data plane: where its lines go, and which requests have one. */
export class AccessLog {
  readonly format: AccessLogOptions['format'];
  readonly sample: number;
  /** Where lines go; undefined: there are none. */
  readonly output: LineOutput | undefined;
  readonly #slowMs: number;
  readonly #logger: Logger;
  readonly #timer: NodeJS.Timeout;
  #turn = 0;
  #told = 0;
  #complainedAt = Number.NEGATIVE_INFINITY;

  constructor({ destination, format, sample, slowMs, logger }: AccessLogOptions) {
    this.format = format;
    this.sample = sample;
    this.#slowMs = slowMs;
    this.#logger = logger;
    this.output = this.#open(destination);
    this.#timer = setInterval(() => this.#tell(), TELL_MS).unref();
  }

  /** Lines that could not be delivered, since the start. */
  get dropped(): number {
    return this.output?.dropped ?? 0;
  }

  /**
   * Whether a request gets a line: `always` where it failed or was slow, `sampled` for one in so many of
   * the others.
   */
  wants(record: ExchangeRecord): 'always' | 'sampled' | 'no' {
    if (this.sample === 1) return 'always';
    const { status, termination, ms, aborted } = record;
    const isWell = status < FIRST_ERROR_STATUS && status > 0 && !aborted && ms < this.#slowMs;
    if (!isWell || (termination !== '--' && termination !== 'LR')) return 'always';
    this.#turn += 1;
    if (this.#turn < this.sample) return 'no';
    this.#turn = 0;
    return 'sampled';
  }

  /** Delivers what can be, and nothing more. */
  close(): void {
    clearInterval(this.#timer);
    this.#tell();
    if (this.output instanceof UdpSyslog || this.output instanceof SocketSyslog) {
      this.output.close();
    }
  }

  #open(destination: LogDestination): LineOutput | undefined {
    switch (destination.kind) {
      case 'off':
        return undefined;
      case 'stdout':
        return lineOutput(this.#logger);
      case 'udp':
        return new UdpSyslog(destination);
      case 'socket':
        return new SocketSyslog({
          ...destination,
          onFailed: (detail) => this.#complain(destination.path, detail),
        });
    }
  }

  #complain(path: string, detail: string): void {
    const now = performance.now();
    if (now - this.#complainedAt < TELL_MS) return;
    this.#complainedAt = now;
    const remedy =
      'see that a syslog daemon has that socket, and that logger (util-linux) is installed';
    this.#logger.error({ path, detail, remedy }, 'the access log cannot be delivered');
  }

  #tell(): void {
    const { dropped } = this;
    if (dropped === this.#told) return;
    const lines = dropped - this.#told;
    this.#told = dropped;
    const remedy = 'have the log read faster, or set ACCESS_LOG_SAMPLE';
    this.#logger.warn({ lines, remedy }, 'lines of the access log were dropped');
  }
}
