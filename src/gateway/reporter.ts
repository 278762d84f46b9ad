/** How often a data plane looks whether it has news, in ms. */
const REPORT_MS = 250;

/** Tells what a data plane does, whenever that has changed. */
export class Reporter<Report> {
  readonly #read: () => Report;
  readonly #tell: (report: Report) => void;
  readonly #timer: NodeJS.Timeout;
  #told = '';

  constructor(read: () => Report, tell: (report: Report) => void, everyMs = REPORT_MS) {
    this.#read = read;
    this.#tell = tell;
    this.#timer = setInterval(() => this.#look(), everyMs).unref();
  }

  /** Tells now, changed or not. */
  now(): void {
    const report = this.#read();
    this.#told = JSON.stringify(report);
    this.#tell(report);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const report = this.#read();
    const text = JSON.stringify(report);
    if (text === this.#told) return;
    this.#told = text;
    this.#tell(report);
  }
}
