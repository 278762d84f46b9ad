/**
 * Handshakes that are begun in one turn of the event loop. Each takes half a millisecond, and a client whose
 * connection is new has to wait for five turns and more until it is answered. But a turn has a cost of its
 * own: with one in each, a crowd took a tenth more processor time, and nobody waited less (`npm run abuse`).
 */
const PER_TURN = 2;

/**
 * Has TLS handshakes begin a few at a time, so that what has been secured is served between them: a
 * thousand at once would otherwise keep everybody waiting for half a second. Addresses take turns, so
 * that one with many of them does not keep the others waiting for all of those.
 */
export class HandshakeTurns {
  readonly #perTurn: number;
  readonly #nextTurn: (turn: () => void) => void;
  /** By address, in the order in which they are next. */
  readonly #waiting = new Map<string, (() => void)[]>();
  /** How many were begun in this turn; undefined: there has been no turn since the last was begun. */
  #begun: number | undefined;

  /** @param nextTurn Calls back in the next turn of the event loop. */
  constructor(perTurn = PER_TURN, nextTurn: (turn: () => void) => void = setImmediate) {
    this.#perTurn = perTurn;
    this.#nextTurn = nextTurn;
  }

  /** Calls `begin` when it is the turn of the address: now, where there is no crowd. */
  take(address: string, begin: () => void): void {
    this.#begun ??= this.#startTurn();
    if (this.#begun < this.#perTurn) {
      this.#begun += 1;
      begin();
      return;
    }
    const others = this.#waiting.get(address);
    if (others) others.push(begin);
    else this.#waiting.set(address, [begin]);
  }

  #startTurn(): number {
    this.#nextTurn(() => this.#turn());
    return 0;
  }

  #turn(): void {
    if (this.#waiting.size === 0) {
      this.#begun = undefined;
      return;
    }
    this.#begun = this.#startTurn();
    for (const [address, line] of this.#waiting) {
      if (this.#begun === this.#perTurn) return;
      this.#begun += 1;
      // Behind all others, if it has more.
      this.#waiting.delete(address);
      const begin = line.shift()!;
      if (line.length > 0) this.#waiting.set(address, line);
      begin();
    }
  }
}
