import { createHash } from 'node:crypto';
import { RateLimiterMemcache, RateLimiterMemory } from 'rate-limiter-flexible';
import type { MemcachedClient } from '../memcached/client.ts';
import { OWN_KEYS } from '../memcached/own-keys.ts';
import { describeLimit, type Hits, type RateLimit, type Total } from '../policy/rate-limits.ts';
import { limiterStore } from './limiter-store.ts';

/** Addresses that may wait to be counted; the others are counted where they were seen, only. */
const MOST_WAITING = 10_000;
/** Addresses that are counted at once. */
const MOST_AT_ONCE = 500;
/** Most addresses that are kept here while memcached is away. */
const MOST_KEPT = 20_000;

export interface RateExchangeOptions {
  readonly limits: readonly RateLimit[];
  readonly memcached: MemcachedClient;
  /** Takes what all have seen of the addresses that were asked about. */
  readonly onTotals: (totals: readonly Total[]) => void;
}

/**
 * Adds up in memcached what the data planes of all gateways have counted, beside the traffic, and tells
 * them the sums. While memcached is away the sums are those of this gateway.
 */
export class RateExchange {
  readonly #options: RateExchangeOptions;
  /** By limit. */
  readonly #limiters = new Map<string, RateLimiterMemcache>();
  #insurances: ReadonlyMap<string, RateLimiterMemory> = new Map();
  readonly #waiting = new Map<string, Hits>();
  /** How many addresses may have been kept here since the insurances were new. */
  #kept = 0;
  #exchanging = false;
  #closed = false;

  constructor(options: RateExchangeOptions) {
    this.#options = options;
    const storeClient = limiterStore(options.memcached);
    for (const limit of options.limits) {
      const id = describeLimit(limit);
      const hash = createHash('sha256').update(id).digest('base64url').slice(0, 8);
      const keyPrefix = OWN_KEYS.rate + hash;
      this.#limiters.set(
        id,
        new RateLimiterMemcache({ storeClient, keyPrefix, ...windowOf(limit) }),
      );
    }
    this.#insure();
  }

  /** Takes what a data plane has seen. */
  add(hits: readonly Hits[]): void {
    for (const { limit, subject, count } of hits) {
      if (!this.#limiters.has(limit)) continue;
      const key = `${limit} ${subject}`;
      const before = this.#waiting.get(key)?.count ?? 0;
      if (before === 0 && this.#waiting.size >= MOST_WAITING) continue;
      this.#waiting.set(key, { limit, subject, count: before + count });
    }
    void this.#exchange();
  }

  close(): void {
    this.#closed = true;
    this.#waiting.clear();
  }

  /** One round after the other, so that a slow memcached makes fewer of them, not more. */
  async #exchange(): Promise<void> {
    if (this.#exchanging) return;
    this.#exchanging = true;
    while (this.#waiting.size > 0 && !this.#closed) {
      const round = [...this.#waiting].slice(0, MOST_AT_ONCE);
      for (const [key] of round) this.#waiting.delete(key);
      const totals = await Promise.all(round.map(([, hits]) => this.#sum(hits)));
      if (!this.#closed) this.#options.onTotals(totals.filter((total) => total !== undefined));
    }
    this.#exchanging = false;
  }

  async #sum(hits: Hits): Promise<Total | undefined> {
    const { limit, subject, count } = hits;
    const sum = await this.#limiters
      .get(limit)!
      .penalty(subject, count)
      .catch(() => {
        this.#kept += 1;
        if (this.#kept > MOST_KEPT) this.#insure();
        return this.#insurances.get(limit)!.penalty(subject, count);
      });
    return { limit, subject, count: sum.consumedPoints, msLeft: sum.msBeforeNext };
  }

  /** Begins to keep anew: the data planes still know what they have learned of this period. */
  #insure(): void {
    this.#kept = 0;
    this.#insurances = new Map(
      this.#options.limits.map((limit) => {
        return [describeLimit(limit), new RateLimiterMemory(windowOf(limit))];
      }),
    );
  }
}

function windowOf({ most, periodMs }: RateLimit) {
  return { points: most, duration: periodMs / 1_000 };
}
