/** Something that waits, and is told when it has waited too long. */
export interface Deadlined {
  /** Time of {@link Deadlines.in} at which `onDeadline` is called; Infinity: never. */
  deadline: number;
  onDeadline(): void;
}

/** How often deadlines are looked at, in ms: how late one may be noticed. */
const TICK_MS = 100;

/**
 * The deadlines of all connections of a relay, looked at together. Setting one costs an assignment:
 * a connection moves its deadline several times for each request, which real timers would feel. They are
 * looked at only when one of them may be over: thousands of idle websockets are left alone.
 */
export class Deadlines {
  readonly #members = new Set<Deadlined>();
  readonly #clock: () => number;
  #timer: NodeJS.Timeout | undefined;
  #now: number;
  /** No member has a deadline before that: each was got from `in`, or is looked at when it is added. */
  #nextAt = Number.POSITIVE_INFINITY;

  /** @param clock the time in ms, from any start; it never goes back */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
    this.#now = clock();
  }

  add(member: Deadlined): void {
    this.#members.add(member);
    this.#nextAt = Math.min(this.#nextAt, member.deadline);
    if (this.#timer) return;
    this.#now = this.#clock();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  remove(member: Deadlined): void {
    this.#members.delete(member);
    if (this.#members.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Calls `action` once, `ms` from now; removing what is returned calls it off. */
  after(ms: number, action: () => void): Deadlined {
    const member = {
      deadline: this.in(ms),
      onDeadline: () => {
        this.remove(member);
        action();
      },
    };
    this.add(member);
    return member;
  }

  /** The time as deadlines have it, in ms: what passes is measured by it, to a tick. */
  get now(): number {
    // Nobody has kept the time while there was nobody to keep it for.
    if (!this.#timer) this.#now = this.#clock();
    return this.#now;
  }

  /** The time `ms` from now, never early and at most two ticks late. */
  in(ms: number): number {
    const deadline = this.now + TICK_MS + ms;
    if (deadline < this.#nextAt) this.#nextAt = deadline;
    return deadline;
  }

  #tick(): void {
    const now = this.#clock();
    this.#now = now;
    if (now < this.#nextAt) return;
    this.#nextAt = Number.POSITIVE_INFINITY;
    for (const member of this.#members) {
      if (member.deadline <= now) {
        member.deadline = Number.POSITIVE_INFINITY;
        member.onDeadline();
      }
      if (member.deadline < this.#nextAt) this.#nextAt = member.deadline;
    }
  }
}
