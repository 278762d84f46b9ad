import { Paced } from './paced.ts';

/** How often a data plane looks whether it has news, in ms. */
const REPORT_MS = 250;
/** How often at most, where somebody waits for them. */
const PAUSE_MS = 25;

/** Tells what a data plane does, whenever that has changed. */
export class Reporter<Report> {
  readonly #read: () => Report;
  readonly #tell: (report: Report) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #looks = new Paced(() => this.#look(), PAUSE_MS);
  #told = '';

  constructor(read: () => Report, tell: (report: Report) => void, everyMs = REPORT_MS) {
    this.#read = read;
    this.#tell = tell;
    this.#timer = setInterval(() => this.#looks.now(), everyMs).unref();
  }

  /** Tells now, changed or not. */
  now(): void {
    const report = this.#read();
    this.#told = JSON.stringify(report);
    this.#tell(report);
  }

  /** Looks as soon as may be, for somebody waits. */
  soon(): void {
    this.#looks.within(0);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#looks.stop();
  }

  #look(): void {
    const report = this.#read();
    const text = JSON.stringify(report);
    if (text === this.#told) return;
    this.#told = text;
    this.#tell(report);
  }
}
