import type { GatewayError } from '../errors.ts';
import type { Backend } from './backend.ts';
import type { Outcome, Pool } from './pool.ts';

/** Whether a request of that method can be sent twice without harm (RFC 9110 §9.2.1). */
export function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
}

/**
 * What a complete answer says of its backend. 501 and 505 tell what it was never made for; of a good
 * handshake 2xx makes no websocket, while 3xx and 4xx are about the client.
 */
export function outcomeOf(status: number, upgrade: boolean): Outcome {
  if (status >= 500) return status === 501 || status === 505 ? 'ok' : 'error';
  return upgrade && status < 300 ? 'error' : 'ok';
}

const NONE: ReadonlySet<Backend> = new Set();

/** The backends that one request has been tried on, and whether another one may be. */
export class Attempts {
  readonly #pool: Pool;
  readonly #retries: number;
  /** Sending the request twice is harmless: a safe method without a body (RFC 9110 §9.2.1). */
  readonly #replayable: boolean;
  #tried: Set<Backend> | undefined;

  constructor(pool: Pool, retries: number, replayable: boolean) {
    this.#pool = pool;
    this.#retries = retries;
    this.#replayable = replayable;
  }

  get tried(): ReadonlySet<Backend> {
    return this.#tried ?? NONE;
  }

  /** Whether a request that has no answer yet may be asked of another backend, though nothing has failed. */
  mayLeave(): boolean {
    if (!this.#replayable || this.tried.size >= this.#retries) return false;
    return this.#pool.hasUsableBeyond(this.tried);
  }

  /** Takes note that the request failed on a backend; tells whether to try another one. */
  failed(backend: Backend, failure: GatewayError): boolean {
    this.#tried ??= new Set();
    this.#tried.add(backend);
    if (!failure.retryable && !this.#replayable) return false;
    // Slow is not dead: what took this long here would take it again elsewhere.
    if (failure.kind === 'upstreamTimeout') return false;
    // Neither will another one be reached.
    if (failure.source === 'internal') return false;
    return this.#tried.size <= this.#retries && this.#pool.hasUsableBeyond(this.#tried);
  }
}
