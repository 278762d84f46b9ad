import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { GatewayError } from '../errors.ts';
import { mayBeStored } from '../policy/cacheable.ts';
import type { AffinityCookie } from '../policy/cookies.ts';
import { fieldsOf } from '../policy/fields.ts';
import type { Site } from '../policy/location.ts';
import { plainAddress } from '../policy/networks.ts';
import { applyResponsePolicy } from '../policy/response.ts';
import { Attempts, isSafe, outcomeOf } from '../upstream/attempts.ts';
import type { Backend } from '../upstream/backend.ts';
import { failureOf } from '../upstream/failure.ts';
import type { Lease, Outcome, Pool } from '../upstream/pool.ts';
import { refuseBadStatus } from './status-line.ts';
import type { Timeouts } from './timeouts.ts';

export interface ExchangeOptions {
  readonly pool: Pool;
  readonly timeouts: Timeouts;
  readonly retries: number;
  readonly affinity: AffinityCookie | undefined;
  /** The backend that the client's affinity cookie names. */
  readonly asked: string | undefined;
  readonly requestId: string;
  readonly site: Site;
  /** Sends the request to `backend`, and tells the exchange what becomes of it. */
  readonly send: () => void;
  /** Takes a failure that came before the response began. */
  readonly fail: (error: GatewayError) => void;
}

/** One request on its way, from its first claim of a backend to the end of its response. */
export class Exchange {
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #options: ExchangeOptions;
  /** Sending it twice is harmless: a safe method without a body. */
  readonly #replayable: boolean;
  readonly #attempts: Attempts;
  readonly #gone = new AbortController();
  #lease: Lease | undefined;
  #outgoing: ClientRequest | undefined;
  #answer: IncomingMessage | undefined;
  /** An idle upstream connection proved stale, so none is taken again. */
  #sawStale = false;

  constructor(req: IncomingMessage, res: ServerResponse, options: ExchangeOptions) {
    this.#req = req;
    this.#res = res;
    this.#options = options;
    const hasBody =
      req.headers['transfer-encoding'] !== undefined ||
      Number(req.headers['content-length'] ?? 0) > 0;
    this.#replayable = isSafe(req.method ?? '') && !hasBody;
    this.#attempts = new Attempts(options.pool, options.retries, this.#replayable);
    // A client that does not take its answer holds a backend; silence for other reasons has
    // deadlines of its own.
    res.setTimeout(options.timeouts.clientMs, () => {
      if (req.socket.writableLength > 0) req.socket.destroy();
    });
    res.once('close', () => {
      this.#gone.abort();
      this.#release(
        res.writableFinished ? outcomeOf(this.#answer?.statusCode ?? 0, false) : 'aborted',
      );
    });
  }

  /** Whether an upstream connection that was used before will do. */
  get mayReuse(): boolean {
    return this.#replayable && !this.#sawStale;
  }

  /** The backend that is claimed now. */
  get backend(): Backend | undefined {
    return this.#lease?.backend;
  }

  /** Claims a backend, waiting for one where all are full, and sends the request there. */
  async attempt(): Promise<void> {
    if (this.#gone.signal.aborted) return;
    const { pool, asked, fail, send } = this.#options;
    try {
      const client = plainAddress(this.#req.socket.remoteAddress);
      const claim = { exclude: this.#attempts.tried, prefer: asked, client };
      this.#lease = await pool.claimOrWait(claim, this.#gone.signal);
    } catch (error) {
      if (!this.#gone.signal.aborted) fail(failureOf(error, 'pool'));
      return;
    }
    // It may have gone between the claim and this line.
    if (this.#gone.signal.aborted) {
      this.#release('aborted');
      return;
    }
    this.#outgoing = undefined;
    send();
  }

  /** The request has a connected socket and is about to be written to it. */
  onRequest(outgoing: ClientRequest): void {
    const { clientMs, serverMs } = this.#options.timeouts;
    this.#outgoing = outgoing;
    outgoing.on('timeout', () => {
      outgoing.destroy(
        this.#req.complete
          ? new GatewayError('upstreamTimeout', `silent for ${serverMs} ms`)
          : new GatewayError('requestTimeout', `the body paused for ${clientMs} ms`),
      );
    });
    outgoing.once('upgrade', (_response, socket) => {
      // Node takes the connection out of HTTP then, and says nothing more.
      socket.destroy();
      this.onError(new GatewayError('badGateway', 'switched protocols unasked'));
    });
    // While the body comes in it is the client that everyone waits for.
    outgoing.setTimeout(this.#req.complete ? serverMs : clientMs);
    this.#req.once('end', () => outgoing.setTimeout(serverMs));
  }

  /** The head of the answer is there and has not been passed on yet. */
  onResponse(incoming: IncomingMessage): void {
    const { affinity, asked, requestId, site } = this.#options;
    this.#answer = incoming;
    refuseBadStatus(incoming);
    applyResponsePolicy(incoming.headers, site);
    if (this.#lease && affinity) {
      const { method = '' } = this.#req;
      const fields = fieldsOf(incoming.headers);
      const cacheable = mayBeStored(method, incoming.statusCode ?? 0, fields);
      affinity.mark(incoming.headers, { asked, served: this.#lease.backend.name, cacheable });
    }
    incoming.headers['x-request-id'] = requestId;
    if (!this.#res.shouldKeepAlive) incoming.headers.connection = 'close';
  }

  /** The attempt failed; tries another backend where that is safe. */
  onError(error: unknown): void {
    const backend = this.#lease?.backend;
    // Both legs report the same abort; the second word is no news.
    if (!backend) return;
    if (this.#gone.signal.aborted || this.#req.socket.destroyed) {
      this.#release('aborted');
      return;
    }
    if (this.#answer?.complete) {
      // The answer is whole: what the backend sent after it is not the client's trouble.
      this.#release('failed');
      return;
    }
    if (this.#answer) {
      this.#release('failed');
      this.#res.destroy();
      return;
    }
    const failure = failureOf(error, backend.name);
    if (this.#replayable && this.#outgoing?.reusedSocket && !this.#sawStale) {
      // The backend closed an idle connection just then: no fault of its, so it is not excluded.
      this.#sawStale = true;
      this.#release('aborted');
      void this.attempt();
      return;
    }
    this.#release(failure.source === 'upstream' ? 'failed' : 'aborted');
    if (!this.#attempts.failed(backend, failure)) {
      this.#options.fail(failure);
      return;
    }
    // Each attempt adds its listeners to both.
    this.#req.setMaxListeners(0);
    this.#res.setMaxListeners(0);
    void this.attempt();
  }

  #release(outcome: Outcome): void {
    this.#lease?.release(outcome);
    this.#lease = undefined;
  }
}
