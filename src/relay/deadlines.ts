/** Something that waits, and is told when it has waited too long. */
export interface Deadlined {
  /** Time of {@link Deadlines.now} at which `onDeadline` is called; Infinity: never. */
  deadline: number;
  onDeadline(): void;
}

/** How often deadlines are looked at, in ms: how late one may be noticed. */
const TICK_MS = 100;

/**
 * The deadlines of all connections of a relay, looked at together. Setting one costs an assignment:
 * a connection moves its deadline several times for each request, which real timers would feel.
 */
export class Deadlines {
  readonly #members = new Set<Deadlined>();
  #timer: NodeJS.Timeout | undefined;
  #now = performance.now();

  add(member: Deadlined): void {
    this.#members.add(member);
    if (this.#timer) return;
    this.#now = performance.now();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  remove(member: Deadlined): void {
    this.#members.delete(member);
    if (this.#members.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** The time `ms` from now, never early and at most two ticks late. */
  in(ms: number): number {
    // Nobody has kept the time while there was nobody to keep it for.
    if (!this.#timer) this.#now = performance.now();
    return this.#now + TICK_MS + ms;
  }

  #tick(): void {
    const now = performance.now();
    this.#now = now;
    for (const member of this.#members) {
      if (member.deadline > now) continue;
      member.deadline = Number.POSITIVE_INFINITY;
      member.onDeadline();
    }
  }
}
