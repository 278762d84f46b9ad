/** What selection needs to know of a server that may be chosen. */
export interface Candidate {
  readonly name: string;
  /** Its part of the work, above 0; only its relation to the others' counts. */
  readonly share: number;
  /** The work that it has, in leases. */
  readonly load: number;
  /** Whether it can take one more. */
  readonly hasRoom: boolean;
}

/** How one of several servers is chosen. */
export interface Selection<T extends Candidate> {
  /** Chooses among these from now on; to be called again whenever a share has changed. */
  reset(candidates: readonly T[]): void;
  /**
   * One that has room and is not in `exclude`; undefined where there is none. Takes no longer with
   * more servers than it takes to look at each, and makes no objects.
   * @param client Address of the client, which `hash` goes by.
   */
  pick(exclude: ReadonlySet<T>, client: string): T | undefined;
}

/** The ways to choose, as settings name them. */
export const BALANCES = ['roundrobin', 'leastconn', 'random', 'hash'] as const;
export type Balance = (typeof BALANCES)[number];

/** A way to choose, with nothing to choose from yet. `random` gives numbers from 0 up to 1. */
export function createSelection<T extends Candidate>(
  balance: Balance,
  random: () => number = Math.random,
): Selection<T> {
  switch (balance) {
    case 'roundrobin':
      return new RoundRobin();
    case 'leastconn':
      return new LeastConnections();
    case 'random':
      return new RandomOfTwo(random);
    case 'hash':
      return new ClientHash();
  }
}

function isFree<T extends Candidate>(candidate: T, exclude: ReadonlySet<T>): boolean {
  return candidate.hasRoom && !(exclude.size > 0 && exclude.has(candidate));
}

/**
 * Smooth weighted round robin, as nginx does it: over any `sum of shares` picks each candidate is
 * taken `share` times, spread as evenly as they can be. One that was away starts again without a
 * backlog.
 */
class RoundRobin<T extends Candidate> implements Selection<T> {
  #candidates: readonly T[] = [];
  #shares = new Float64Array(0);
  #scores = new Float64Array(0);

  reset(candidates: readonly T[]): void {
    const scores = new Map(this.#candidates.map((candidate, i) => [candidate, this.#scores[i]!]));
    this.#candidates = candidates;
    this.#shares = Float64Array.from(candidates, ({ share }) => share);
    this.#scores = Float64Array.from(candidates, (candidate) => scores.get(candidate) ?? 0);
  }

  pick(exclude: ReadonlySet<T>): T | undefined {
    const candidates = this.#candidates;
    const shares = this.#shares;
    const scores = this.#scores;
    let best = -1;
    let bestScore = Number.NEGATIVE_INFINITY;
    let total = 0;
    for (let i = 0; i < candidates.length; i += 1) {
      if (!isFree(candidates[i]!, exclude)) continue;
      const share = shares[i]!;
      const score = scores[i]! + share;
      scores[i] = score;
      total += share;
      if (score > bestScore) {
        best = i;
        bestScore = score;
      }
    }
    if (best < 0) return undefined;
    scores[best] = bestScore - total;
    return candidates[best];
  }
}

/** The least load for its share once it has one more; of equal ones, each in turn. */
class LeastConnections<T extends Candidate> implements Selection<T> {
  #candidates: readonly T[] = [];
  #next = 0;

  reset(candidates: readonly T[]): void {
    this.#candidates = candidates;
  }

  pick(exclude: ReadonlySet<T>): T | undefined {
    const candidates = this.#candidates;
    const { length } = candidates;
    let best = -1;
    let bestLoad = Number.POSITIVE_INFINITY;
    for (let step = 0; step < length; step += 1) {
      const i = (this.#next + step) % length;
      const candidate = candidates[i]!;
      if (!isFree(candidate, exclude)) continue;
      const load = loadWithOneMore(candidate);
      if (load < bestLoad) {
        best = i;
        bestLoad = load;
      }
    }
    if (best < 0) return undefined;
    this.#next = (best + 1) % length;
    return candidates[best];
  }
}

/**
 * Of two drawn at random, by their shares, the one with less load for its share (M. Mitzenmacher,
 * The Power of Two Choices): nearly as even as the least of all, without a herd where several
 * gateways choose by old counts.
 */
class RandomOfTwo<T extends Candidate> implements Selection<T> {
  readonly #random: () => number;
  #candidates: readonly T[] = [];
  /** Sums of the shares up to and with each candidate. */
  #sums = new Float64Array(0);

  constructor(random: () => number) {
    this.#random = random;
  }

  reset(candidates: readonly T[]): void {
    this.#candidates = candidates;
    let sum = 0;
    this.#sums = Float64Array.from(candidates, ({ share }) => {
      sum += share;
      return sum;
    });
  }

  pick(exclude: ReadonlySet<T>): T | undefined {
    const one = this.#draw(exclude);
    const other = this.#draw(exclude);
    if (one === undefined || other === undefined) return one;
    return loadWithOneMore(other) < loadWithOneMore(one) ? other : one;
  }

  /** One by its share; where it is not free, the next that is. */
  #draw(exclude: ReadonlySet<T>): T | undefined {
    const { length } = this.#candidates;
    const at = this.#random() * (this.#sums[length - 1] ?? 0);
    let first = 0;
    for (let high = length - 1; first < high; ) {
      const middle = (first + high) >>> 1;
      if (this.#sums[middle]! > at) high = middle;
      else first = middle + 1;
    }
    for (let step = 0; step < length; step += 1) {
      const candidate = this.#candidates[(first + step) % length]!;
      if (isFree(candidate, exclude)) return candidate;
    }
    return undefined;
  }
}

/**
 * Always the same for one client, through whichever gateway: weighted rendezvous hashing (Thaler and
 * Ravishankar) of the client's address and the candidate's name. Where one goes, only its own
 * clients go elsewhere, spread by the others' shares; they come back with it.
 */
class ClientHash<T extends Candidate> implements Selection<T> {
  #candidates: readonly T[] = [];
  #seeds = new Int32Array(0);
  #shares = new Float64Array(0);

  reset(candidates: readonly T[]): void {
    this.#candidates = candidates;
    this.#seeds = Int32Array.from(candidates, ({ name }) => mixed(hashOf(name)));
    this.#shares = Float64Array.from(candidates, ({ share }) => share);
  }

  pick(exclude: ReadonlySet<T>, client: string): T | undefined {
    const candidates = this.#candidates;
    const hash = hashOf(client);
    let best = -1;
    let bestScore = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < candidates.length; i += 1) {
      if (!isFree(candidates[i]!, exclude)) continue;
      // Above 0 and below 1, evenly spread.
      const point = ((mixed(hash ^ this.#seeds[i]!) >>> 0) + 0.5) / 2 ** 32;
      const score = this.#shares[i]! / -Math.log(point);
      if (score > bestScore) {
        best = i;
        bestScore = score;
      }
    }
    return candidates[best];
  }
}

function loadWithOneMore({ load, share }: Candidate): number {
  return (load + 1) / share;
}

/** FNV-1a, over the text's code units. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return hash;
}

/** The finalizer of MurmurHash3: each bit of the input decides over all bits of the output. */
function mixed(hash: number): number {
  let bits = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
