import type { Dice } from './dice.ts';

/** An input, and what came of it. */
export interface Specimen {
  readonly outcome: string;
  readonly input: Buffer;
}

/** More would be picked too seldom. */
const MOST_SPECIMENS = 4000;

/** Inputs that are worth mutating: of each outcome the shortest one that was met. */
export class Corpus {
  readonly #specimens: Specimen[] = [];
  readonly #places = new Map<string, number>();

  get size(): number {
    return this.#specimens.length;
  }

  get specimens(): readonly Specimen[] {
    return this.#specimens;
  }

  /** Takes note of what came of an input; true where that was new. */
  offer(outcome: string, input: Buffer): boolean {
    const place = this.#places.get(outcome);
    if (place === undefined) {
      if (this.#specimens.length === MOST_SPECIMENS) return false;
      this.#places.set(outcome, this.#specimens.length);
      this.#specimens.push({ outcome, input: Buffer.from(input) });
      return true;
    }
    if (input.length < this.#specimens[place]!.input.length) {
      this.#specimens[place] = { outcome, input: Buffer.from(input) };
    }
    return false;
  }

  pick(dice: Dice): Buffer {
    return dice.pick(this.#specimens).input;
  }
}
