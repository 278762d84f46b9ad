import { addUp, type Counts, type Levels, type Totals, type Vitals } from '../admin/counts.ts';

/**
 * Adds up what processes tell for metrics. What one has counted still counts when it is gone, so that
 * no total ever goes back; what it held goes with it.
 */
export class Ledger {
  #past: Totals = {};
  readonly #sources = new Map<object, () => Counts>();

  /** A process has told its counts since its start; in place of what it told before. */
  note(source: object, counts: Counts): void {
    this.#sources.set(source, () => counts);
  }

  /** Reads the counts of something in this process whenever they are wanted, until `close`. */
  follow(source: object, read: () => Counts): void {
    this.#sources.set(source, read);
  }

  /** It is gone. */
  close(source: object): void {
    const read = this.#sources.get(source);
    if (!read) return;
    this.#sources.delete(source);
    this.#past = addUp(this.#past, read().totals);
  }

  /** What all of them have counted, and hold, as if they were one. */
  counts(): Counts {
    const told = this.#told();
    return {
      totals: told.reduce((sum, { totals }) => addUp(sum, totals), this.#past),
      levels: told.reduce<Levels>((sum, { levels }) => addUp(sum, levels), {}),
    };
  }

  /** How the other processes are. */
  vitals(): Vitals[] {
    return this.#told()
      .map(({ vitals }) => vitals)
      .filter((vitals) => vitals !== undefined);
  }

  #told(): Counts[] {
    return Array.from(this.#sources.values(), (read) => read());
  }
}
