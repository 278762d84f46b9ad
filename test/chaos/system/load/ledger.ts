/** How often each of some things happened. */
export class Counts {
  readonly #counts = new Map<string, number>();

  add(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** The most frequent first. */
  entries(): [what: string, count: number][] {
    return [...this.#counts].toSorted(([, a], [, b]) => b - a);
  }

  toJSON(): Record<string, number> {
    return Object.fromEntries(this.entries());
  }
}

/** What users saw. */
export class Ledger {
  /** Clicks and downloads. */
  idempotent = 0;
  /** Those that were asked once more, on a new connection. */
  readonly askedAgain = new Counts();
  /** Those that failed all the same, by cause. */
  readonly failed = new Counts();
  /** Answers that broke off in the midst, together with the part that gave them. */
  readonly brokenOff = new Counts();
  /** Uploads, logins and openings of consoles. */
  others = 0;
  readonly othersFailed = new Counts();
  loggedOut = 0;
  /** Bodies and messages that were not what was sent. */
  readonly wrong = new Counts();
  /** Bodies and messages that were compared. */
  compared = 0;
  tunnels = 0;
  /** Tunnels that ended, by how: none of what they went through was touched, or some of it was. */
  readonly cutUntouched = new Counts();
  readonly cutTouched = new Counts();
  /** When something went wrong, or took long, in ms of performance.now(). */
  readonly #troubles: number[] = [];
  /** When what is under way began. */
  readonly #underWay = new Set<{ readonly since: number }>();

  trouble(): void {
    this.#troubles.push(performance.now());
  }

  /** The last trouble in a time; undefined: there was none. */
  lastTrouble(from: number, until: number): number | undefined {
    return this.#troubles.findLast((at) => at >= from && at < until);
  }

  /** Something begins; what comes back is called when it is over. */
  begin(): () => void {
    const one = { since: performance.now() };
    this.#underWay.add(one);
    return () => this.#underWay.delete(one);
  }

  /** How long the oldest of what is under way has been, in ms. */
  get oldestMs(): number {
    const now = performance.now();
    return Math.max(0, ...[...this.#underWay].map(({ since }) => now - since));
  }
}
