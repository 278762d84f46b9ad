/** What selection needs to know of a server: its share of the work. */
export interface Weighted {
  readonly weight: number;
}

/**
 * Smooth weighted round robin, as nginx does it: over any `sum of weights` picks each candidate is
 * taken `weight` times, spread as evenly as they can be. Candidates may differ from call to call;
 * one that was away starts again without a backlog.
 */
export class WeightedRoundRobin<T extends Weighted> {
  readonly #current = new Map<T, number>();

  /** The next of the candidates, or undefined where there is none with a weight above 0. */
  pick(candidates: readonly T[]): T | undefined {
    let best: T | undefined;
    let bestScore = Number.NEGATIVE_INFINITY;
    let total = 0;
    for (const candidate of candidates) {
      if (candidate.weight <= 0) continue;
      total += candidate.weight;
      const score = (this.#current.get(candidate) ?? 0) + candidate.weight;
      this.#current.set(candidate, score);
      if (score > bestScore) {
        best = candidate;
        bestScore = score;
      }
    }
    if (best) this.#current.set(best, bestScore - total);
    return best;
  }
}
