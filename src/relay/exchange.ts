import { GatewayError } from '../errors.ts';
import { Attempts, outcomeOf } from '../upstream/attempts.ts';
import type { Endpoints } from '../upstream/endpoints.ts';
import { ConnectError, failureOf } from '../upstream/failure.ts';
import type { Lease, Outcome, Pool } from '../upstream/pool.ts';
import type { ConnectionPool } from './connection-pool.ts';
import type { ResponseHead } from './head.ts';
import type { RawConnection } from './raw-connection.ts';
import type { Phase } from './termination.ts';
import type { UpstreamConnection, UpstreamListener } from './upstream-connection.ts';

/** The client's side of an exchange, as whatever carries it offers it. */
export interface Responder {
  informational(head: ResponseHead): void;
  /** The final answer begins; false where it is better to wait for `resumeResponse`. */
  respond(head: ResponseHead, backend: string, body: Buffer, complete: boolean): boolean;
  respondBody(chunk: Buffer, complete: boolean): boolean;
  /** The backend changed protocols: both sides are raw bytes from now on. */
  switchProtocols(head: ResponseHead, rest: Buffer, upstream: RawConnection, lease: Lease): void;
  /** No answer has begun, and none will come from a backend. */
  fail(error: GatewayError): void;
  /** The answer that has begun will not be complete. */
  breakOff(error: GatewayError): void;
  /** More of the request's body can be taken. */
  resumeRequest(): void;
}

/** A request as it goes to a backend. */
export interface ForwardedRequest {
  readonly method: string;
  /** The whole head, as it is sent. */
  readonly head: string;
  /** Sending it twice is harmless: a safe method, no body, no upgrade. */
  readonly replayable: boolean;
  /** It asks for a websocket. */
  readonly upgrade: boolean;
  /** Its body comes when the backend has said that it may (RFC 9110 §10.1.1). */
  readonly expectContinue: boolean;
  /** The backend that the client's affinity cookie names. */
  readonly asked: string | undefined;
  /** The backend that the console which asks was on, or what will tell, soon and surely. */
  readonly pinned?: string | undefined | Promise<string | undefined>;
  /** The client's connection. */
  readonly client: Endpoints;
}

/** How far an exchange has come and how long that took, in ms; -1 for what has not been reached. */
export interface Progress {
  /** The backend that was claimed last. */
  readonly backend: string | undefined;
  readonly queueMs: number;
  /** 0 on a connection that was there. */
  readonly connectMs: number;
  /** The time of `performance.now()` at which the answer began. */
  readonly answeredAt: number;
  /** Other attempts after the first. */
  readonly retries: number;
  /** How many requests stood in line when it began to. */
  readonly queuedBefore: number;
}

export interface ExchangeContext {
  readonly pool: Pool;
  readonly connections: ConnectionPool;
  /** Most other backends that are tried for one request. */
  readonly retries: number;
}

/** How much of a body is kept while there is no connection for it, in bytes. */
const MAX_HELD = 65_536;
const EMPTY = Buffer.alloc(0);

/**
 * One request and its response, from the first claim of a backend to the last byte. Knows nothing
 * of how the request came in.
 */
export class Exchange implements UpstreamListener, Progress {
  backend: string | undefined;
  queueMs = -1;
  connectMs = -1;
  answeredAt = -1;
  retries = -1;
  queuedBefore = 0;
  /** When it began to wait for room, or for a connection. */
  #waitsSince = 0;
  readonly #context: ExchangeContext;
  readonly #request: ForwardedRequest;
  readonly #responder: Responder;
  readonly #attempts: Attempts;
  #lease: Lease | undefined;
  #connection: UpstreamConnection | undefined;
  /** The body so far, kept until a backend is connected: up to then it may go to another one. */
  #held: Buffer = EMPTY;
  #requestComplete = false;
  #answered = false;
  /** What the backend's answer says of it. */
  #outcome: Outcome = 'ok';
  #sawStale = false;
  #pinned: string | undefined;
  #queued: AbortController | undefined;
  #over = false;

  constructor(context: ExchangeContext, request: ForwardedRequest, responder: Responder) {
    this.#context = context;
    this.#request = request;
    this.#responder = responder;
    this.#attempts = new Attempts(context.pool, context.retries, request.replayable);
  }

  /** What is waited for. */
  get phase(): Phase {
    if (this.#answered) return 'D';
    if (!this.#lease) return 'Q';
    return this.#connection?.connected ? 'H' : 'C';
  }

  /**
   * Begins, with what of the body has come; false where the rest has to wait. The bytes are the caller's own
   * again afterwards.
   */
  start(body: Buffer, complete: boolean): boolean {
    this.#held = body.length === 0 ? EMPTY : Buffer.from(body);
    this.#requestComplete = complete;
    const { pinned } = this.#request;
    if (pinned instanceof Promise) void pinned.then((name) => this.#beginAt(name));
    else this.#beginAt(pinned);
    return this.#takesMore();
  }

  #beginAt(pinned: string | undefined): void {
    if (this.#over) return;
    this.#pinned = pinned;
    this.#attempt();
  }

  /** Passes on more of the body, likewise; false where the rest has to wait for `resumeRequest`. */
  body(chunk: Buffer, complete: boolean): boolean {
    this.#requestComplete = complete;
    // A backend that has answered already gets no more.
    if (this.#over) return true;
    if (this.#connection?.connected) return this.#connection.write(chunk, complete);
    this.#held = Buffer.concat([this.#held, chunk]);
    this.#connection?.write(chunk, complete);
    return this.#takesMore();
  }

  /** The client can take more of the answer. */
  resumeResponse(): void {
    this.#connection?.resume();
  }

  /** The client is gone. */
  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#queued?.abort();
    this.#connection?.abandon();
    this.#release('aborted');
  }

  onUpstreamConnect(): void {
    this.connectMs = performance.now() - this.#waitsSince;
    this.#held = EMPTY;
    if (!this.#requestComplete) this.#responder.resumeRequest();
  }

  onUpstreamDrain(): void {
    if (!this.#requestComplete) this.#responder.resumeRequest();
  }

  onInformational(head: ResponseHead): void {
    this.#responder.informational(head);
  }

  onResponse(head: ResponseHead, body: Buffer, complete: boolean): void {
    const connection = this.#connection;
    const backend = this.#lease?.backend.name ?? '';
    this.#answered = true;
    this.answeredAt = performance.now();
    this.#outcome = outcomeOf(head.status, this.#request.upgrade);
    if (complete) this.#finish();
    if (!this.#responder.respond(head, backend, body, complete) && !complete) connection?.pause();
  }

  onResponseBody(chunk: Buffer, complete: boolean): void {
    const connection = this.#connection;
    if (complete) this.#finish();
    if (!this.#responder.respondBody(chunk, complete) && !complete) connection?.pause();
  }

  onSwitch(head: ResponseHead, rest: Buffer, upstream: RawConnection): void {
    const lease = this.#lease;
    this.#lease = undefined;
    this.#connection = undefined;
    this.#over = true;
    this.answeredAt = performance.now();
    if (lease) this.#responder.switchProtocols(head, rest, upstream, lease);
  }

  onBackendGone(): void {
    const backend = this.#lease?.backend;
    // What cannot be asked elsewhere waits on: the backend may yet come back with its answer.
    if (this.#over || !backend || !this.#attempts.mayLeave()) return;
    this.#connection?.abandon();
    this.onUpstreamError(
      new GatewayError('badGateway', `${backend.name} gives no answer any more`),
    );
  }

  onUpstreamError(error: Error): void {
    const backend = this.#lease?.backend;
    const stale = (this.#connection?.served ?? 0) > 0 && this.#request.replayable;
    this.#connection = undefined;
    if (this.#over) {
      // The answer was complete, and dealing with it has failed.
      this.#responder.breakOff(failureOf(error, backend?.name ?? ''));
      return;
    }
    if (!backend) return;
    const failure = failureOf(error, backend.name);
    if (this.#answered) {
      this.#over = true;
      this.#release('failed');
      this.#responder.breakOff(failure);
      return;
    }
    if (stale && !this.#sawStale && failure.kind !== 'upstreamTimeout') {
      // The backend closed an unused connection just then: no fault of its, so it is not excluded.
      this.#sawStale = true;
      backend.traffic.retries += 1;
      this.#release('aborted');
      this.#attempt();
      return;
    }
    const isBackends = failure.source !== 'internal';
    this.#release(isBackends ? 'failed' : 'aborted');
    if (isBackends && error instanceof ConnectError) backend.traffic.connectFailures += 1;
    if (this.#attempts.failed(backend, failure)) {
      backend.traffic.redispatches += 1;
      this.#attempt();
      return;
    }
    this.#over = true;
    this.#responder.fail(failure);
  }

  /** Some of the body is taken before there is a backend: only who reads sees a client leave. */
  #takesMore(): boolean {
    return this.#connection?.connected || this.#held.length < MAX_HELD;
  }

  #attempt(): void {
    const { asked, client } = this.#request;
    const claim = {
      exclude: this.#attempts.tried,
      prefer: asked,
      pinned: this.#pinned,
      client: client.address,
    };
    const lease = this.#context.pool.claim(claim);
    if (lease) {
      this.#send(lease);
      return;
    }
    this.#queued = new AbortController();
    this.queuedBefore = this.#context.pool.queued;
    this.#waitsSince = performance.now();
    this.#context.pool.claimOrWait(claim, this.#queued.signal).then(
      (late) => {
        this.#waited();
        if (this.#over) late.release('aborted');
        else this.#send(late);
      },
      (error) => {
        this.#waited();
        if (this.#over) return;
        this.#over = true;
        this.#responder.fail(failureOf(error, 'pool'));
      },
    );
  }

  #waited(): void {
    this.queueMs = Math.max(0, this.queueMs) + performance.now() - this.#waitsSince;
  }

  #send(lease: Lease): void {
    const { method, head, replayable, client, expectContinue } = this.#request;
    this.#queued = undefined;
    this.#lease = lease;
    const mayReuse = replayable && !this.#sawStale;
    const connection = this.#context.connections.take(lease.backend, mayReuse, client);
    this.#connection = connection;
    this.backend = lease.backend.name;
    this.retries += 1;
    if (this.queueMs < 0) this.queueMs = 0;
    if (connection.connected) this.connectMs = 0;
    else this.#awaitConnection();
    connection.begin(this, method, expectContinue && this.#held.length === 0);
    connection.write(head, this.#requestComplete);
    if (this.#held.length > 0) connection.write(this.#held, this.#requestComplete);
  }

  #awaitConnection(): void {
    this.connectMs = -1;
    this.#waitsSince = performance.now();
  }

  #finish(): void {
    this.#over = true;
    this.#connection = undefined;
    this.#release(this.#outcome);
  }

  #release(outcome: Outcome): void {
    this.#lease?.release(outcome);
    this.#lease = undefined;
  }
}
