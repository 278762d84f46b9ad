const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * Tells times of day as log lines have them, in the time zone of this host. The second is put together
 * once, for many lines share one.
 */
export class HttpClock {
  #second = Number.NaN;
  #http = '';
  #syslog = '';

  /** As HAProxy has it: `25/Nov/2026:22:10:33.042`. */
  http(ms: number): string {
    this.#turnTo(ms);
    return `${this.#http}.${String(Math.floor(ms) % 1_000).padStart(3, '0')}`;
  }

  /** As RFC 3164 §4.1.2 has it: `Nov  5 22:10:33`. */
  syslog(ms: number): string {
    this.#turnTo(ms);
    return this.#syslog;
  }

  #turnTo(ms: number): void {
    const second = Math.floor(ms / 1_000);
    if (second === this.#second) return;
    this.#second = second;
    const date = new Date(second * 1_000);
    const month = MONTHS[date.getMonth()]!;
    const day = date.getDate();
    const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
    this.#http = `${two(day)}/${month}/${date.getFullYear()}:${time}`;
    this.#syslog = `${month} ${String(day).padStart(2)} ${time}`;
  }
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
