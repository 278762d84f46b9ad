import { readFileSync } from 'node:fs';

/**
 * Open files that are not clients' nor their backends': listeners, each with several to accept from,
 * checks, memcached, logs.
 */
const RESERVED_FILES = 96;
/** How often that connections are turned away is told, in ms. */
const TELL_EVERY_MS = 10_000;

/** How many clients may be connected at once, over all listeners that share it. */
export class ConnectionLimit {
  readonly max: number;
  readonly #onReached: (max: number) => void;
  #open = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

  /** @param onReached Told when connections are turned away, every ten seconds at most. */
  constructor(max: number, onReached: (max: number) => void) {
    this.max = max;
    this.#onReached = onReached;
  }

  /** How many are connected. */
  get open(): number {
    return this.#open;
  }

  /** Whether there is room for one more, which then counts until `release`. */
  take(): boolean {
    if (this.#open < this.max) {
      this.#open += 1;
      return true;
    }
    const now = performance.now();
    if (now - this.#toldAt >= TELL_EVERY_MS) {
      this.#toldAt = now;
      this.#onReached(this.max);
    }
    return false;
  }

  release(): void {
    this.#open -= 1;
  }
}

/**
 * How many clients the limit of open files allows, with a connection to a backend for each;
 * Infinity where there is no limit to be seen (no Linux).
 */
export function clientsWithinOpenFiles(): number {
  // Node has raised the soft limit to the hard one by now.
  return clientsWithin(openFileLimit('self') ?? Number.POSITIVE_INFINITY);
}

/** How many clients a process may have that may open so many files. */
export function clientsWithin(files: number): number {
  return Math.max(1, Math.floor((files - RESERVED_FILES) / 2));
}

/** How many files a process has to be allowed to open for so many clients. */
export function filesFor(clients: number): number {
  return clients * 2 + RESERVED_FILES;
}

/** How many files a process may open; undefined where that is not to be seen. */
export function openFileLimit(process: 'self' | number): number | undefined {
  let limits: string;
  try {
    limits = readFileSync(`/proc/${process}/limits`, 'utf8');
  } catch {
    return undefined;
  }
  const files = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return files === undefined ? Number.POSITIVE_INFINITY : Number(files);
}
