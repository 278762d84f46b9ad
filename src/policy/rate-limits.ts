import { isPathWithin } from './access.ts';
import { subscriber } from './seats.ts';

/** So many requests of one address for some paths in a time. */
export interface RateLimit {
  readonly most: number;
  readonly periodMs: number;
  /** Undefined: any. */
  readonly method: string | undefined;
  /** A path without a slash at its end, and in lower case; '' for all. */
  readonly path: string;
}

/** Requests of an address that one data plane has seen and not told of yet. */
export interface Hits {
  /** Which limit, as `describeLimit` has it: others may have another list of them. */
  readonly limit: string;
  /** The address, or the /64 of IPv6. */
  readonly subject: string;
  readonly count: number;
}

/** How many of them all data planes of all gateways have seen, in the period that ends so soon. */
export interface Total extends Hits {
  readonly msLeft: number;
}

/** What is kept of an address. */
interface Entry {
  readonly limit: string;
  readonly subject: string;
  /** Requests of this period, by all that is known. */
  count: number;
  /** Those of them that nobody has been told of. */
  untold: number;
  until: number;
}

interface Table extends RateLimit {
  readonly id: string;
  readonly entries: Map<string, Entry>;
}

/** Most addresses that are kept for each limit: 100,000 that come by turns cost no more memory. */
const MOST_ADDRESSES = 50_000;

/**
 * Counts requests by address and decides at once which are too many, from what is known here: what
 * other data planes have seen is learned beside the traffic. A period begins with the first request.
 */
export class RateLimits {
  readonly #tables: readonly Table[];
  /** Those of which somebody is to be told. */
  readonly #untold = new Set<Entry>();
  readonly #mostAddresses: number;
  readonly #now: () => number;
  #refused = 0;

  constructor(
    limits: readonly RateLimit[],
    {
      mostAddresses = MOST_ADDRESSES,
      now = () => performance.now(),
    }: { mostAddresses?: number; now?: () => number } = {},
  ) {
    this.#tables = limits.map((limit) => ({
      ...limit,
      id: describeLimit(limit),
      entries: new Map(),
    }));
    this.#mostAddresses = mostAddresses;
    this.#now = now;
  }

  /** Requests that were refused. */
  get refused(): number {
    return this.#refused;
  }

  /** Addresses that are kept, over all limits. */
  get size(): number {
    return this.#tables.reduce((sum, { entries }) => sum + entries.size, 0);
  }

  /**
   * Counts a request; after how many seconds it may be tried again where it is one too many, else 0.
   * @param address Asked for only where a limit is for such requests.
   */
  take(method: string, target: string, address: () => string): number {
    let wait = 0;
    let subject: string | undefined;
    for (const table of this.#tables) {
      if (table.method !== undefined && !isMethod(method, table.method)) continue;
      if (!isPathWithin(target, table.path)) continue;
      subject ??= subscriber(address());
      wait = Math.max(wait, this.#count(table, subject));
    }
    if (wait > 0) this.#refused += 1;
    return wait;
  }

  /** What is to be told, the addresses with most requests first; it counts as told. */
  untold(most: number): Hits[] {
    const entries = [...this.#untold];
    if (entries.length > most) {
      entries.sort((a, b) => b.untold - a.untold);
      entries.length = most;
    }
    return entries.map((entry) => {
      const { limit, subject, untold: count } = entry;
      entry.untold = 0;
      this.#untold.delete(entry);
      return { limit, subject, count };
    });
  }

  /** Learns what all have seen. */
  learn(totals: readonly Total[]): void {
    const now = this.#now();
    for (const { limit, subject, count, msLeft } of totals) {
      const table = this.#tables.find(({ id }) => id === limit);
      if (!table || msLeft <= 0) continue;
      const entry = this.#entry(table, subject, now);
      // What is under way to be told is not in it yet, so it never takes back what is known here.
      entry.count = Math.max(entry.count, count + entry.untold);
      entry.until = now + Math.min(msLeft, table.periodMs);
    }
  }

  #count(table: Table, subject: string): number {
    const now = this.#now();
    const entry = this.#entry(table, subject, now);
    if (entry.count >= table.most) return Math.max(1, Math.ceil((entry.until - now) / 1_000));
    entry.count += 1;
    entry.untold += 1;
    this.#untold.add(entry);
    return 0;
  }

  #entry({ id, entries, periodMs }: Table, subject: string, now: number): Entry {
    const known = entries.get(subject);
    if (known && known.until > now) return known;
    if (known) this.#forget(entries, known);
    // The first ones are those whose periods began first.
    if (entries.size >= this.#mostAddresses) {
      const [oldest] = entries.values();
      this.#forget(entries, oldest!);
    }
    const entry = { limit: id, subject, count: 0, untold: 0, until: now + periodMs };
    entries.set(subject, entry);
    return entry;
  }

  #forget(entries: Map<string, Entry>, entry: Entry): void {
    entries.delete(entry.subject);
    this.#untold.delete(entry);
  }
}

/** Methods have their case, but Django and others take `post` for POST: so does a limit. */
function isMethod(method: string, limited: string): boolean {
  return method === limited || method.toUpperCase() === limited;
}

/** `20/10s on POST /dashboard/auth/`, as it is written. */
export function describeLimit({ most, periodMs, method, path }: RateLimit): string {
  return `${most}/${periodMs / 1_000}s on ${method === undefined ? '' : `${method} `}${path || '/'}`;
}
