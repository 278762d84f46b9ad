import { createHmac, timingSafeEqual } from 'node:crypto';

/** How long a token opens a console, in ms; nova's `[consoleauth] token_ttl`. */
const TOKEN_LIFE_MS = 600_000;

/**
 * Console tokens that any console of the demo can check by itself, as any noVNC proxy of a nova
 * cell can: the instance and the hour of expiry under a shared secret.
 */
export class ConsoleTokens {
  readonly #secret: string;
  readonly #now: () => number;

  constructor(secret: string, now: () => number = Date.now) {
    this.#secret = secret;
    this.#now = now;
  }

  issue(instanceId: string): string {
    const claim = Buffer.from(`${this.#now() + TOKEN_LIFE_MS}.${instanceId}`).toString('base64url');
    return `${claim}.${this.#sign(claim)}`;
  }

  check(token: string): boolean {
    const [claim = '', signature = ''] = token.split('.');
    const given = Buffer.from(signature);
    const right = Buffer.from(this.#sign(claim));
    if (given.length !== right.length || !timingSafeEqual(given, right)) return false;
    return Number.parseInt(Buffer.from(claim, 'base64url').toString(), 10) > this.#now();
  }

  #sign(claim: string): string {
    return createHmac('sha256', this.#secret).update(claim).digest('base64url');
  }
}
