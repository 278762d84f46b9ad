import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Fields } from '../policy/fields.ts';
import { type Client, clientAddress } from '../policy/forwarded.ts';
import { RateLimits } from '../policy/rate-limits.ts';
import type { Totals, Uplink } from './messages.ts';

/** How often others are told what was counted here, in ms. */
const TELL_MS = 100;
/** Most addresses that are told of at once; the rest follows. */
const MOST_AT_ONCE = 1_000;
/** How often it is logged that requests are refused, in ms. */
const LOG_MS = 10_000;

/** Holds a data plane's clients to RATE_LIMITS, and tells the control plane what it has counted. */
export class RateControl {
  readonly #limits: RateLimits | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #logger: Logger;
  #logged = 0;
  #loggedAt = Number.NEGATIVE_INFINITY;

  constructor(config: Config, uplink: Pick<Uplink, 'hits'>, logger: Logger) {
    const { RATE_LIMITS: limits } = config;
    this.#logger = logger;
    if (limits.length === 0) return;
    const rates = new RateLimits(limits);
    this.#limits = rates;
    this.#timer = setInterval(() => {
      const hits = rates.untold(MOST_AT_ONCE);
      if (hits.length > 0) uplink.hits(hits);
      this.#log(rates.refused);
    }, TELL_MS).unref();
  }

  /** Requests that were refused. */
  get refused(): number {
    return this.#limits?.refused ?? 0;
  }

  /** @throws GatewayError `tooManyRequests` */
  assertWithin(method: string, target: string, fields: Fields, peer: Client): void {
    if (!this.#limits) return;
    const address = () => clientAddress(fields, peer);
    const retryAfter = this.#limits.take(method, target, address);
    if (retryAfter === 0) return;
    const message = 'more requests of that address than RATE_LIMITS allows';
    throw new GatewayError('tooManyRequests', message, { retryAfter });
  }

  learn(totals: Totals): void {
    this.#limits?.learn(totals);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #log(refused: number): void {
    const now = performance.now();
    if (refused === this.#logged || now - this.#loggedAt < LOG_MS) return;
    const requests = refused - this.#logged;
    this.#logged = refused;
    this.#loggedAt = now;
    this.#logger.warn({ requests }, 'requests were refused: more of an address than RATE_LIMITS');
  }
}
