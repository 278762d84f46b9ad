/** What selection needs to know of a server: its share of the work. */
export interface Weighted {
  readonly weight: number;
}

/**
 * Smooth weighted round robin, as nginx does it: over any `sum of weights` picks each candidate is
 * taken `weight` times, spread as evenly as they can be. Which of the members are candidates may
 * differ from pick to pick; one that was away starts again without a backlog.
 */
export class WeightedRoundRobin<T extends Weighted> {
  readonly #members: readonly T[];
  readonly #scores: number[];

  constructor(members: readonly T[]) {
    this.#members = members;
    this.#scores = members.map(() => 0);
  }

  /** The next of the candidates, or undefined where there is none with a weight above 0. */
  pick(isCandidate: (member: T) => boolean): T | undefined {
    let best = -1;
    let bestScore = Number.NEGATIVE_INFINITY;
    let total = 0;
    for (let i = 0; i < this.#members.length; i += 1) {
      const member = this.#members[i]!;
      const { weight } = member;
      if (weight <= 0 || !isCandidate(member)) continue;
      total += weight;
      const score = this.#scores[i]! + weight;
      this.#scores[i] = score;
      if (score > bestScore) {
        best = i;
        bestScore = score;
      }
    }
    if (best < 0) return undefined;
    this.#scores[best] = bestScore - total;
    return this.#members[best];
  }
}
