import { connect, type Socket } from 'node:net';
import { messageOf } from '../errors.ts';
import { type BackoffOptions, backoffDelay, DEFAULT_BACKOFF } from './backoff.ts';
import { ProtocolError, UnavailableError } from './client.ts';
import type { NodeAddress } from './node-address.ts';
import { isErrorLine, MORE, type Request, staysInStep, versionRequest } from './protocol.ts';
import {
  DEFAULT_MAX_VALUE_BYTES,
  MalformedReply,
  type Reply,
  ReplyParser,
} from './reply-parser.ts';

/** What was last seen of a node: nothing yet, an answer, or a failure. */
export type NodeState = 'unknown' | 'up' | 'down';

export interface ConnectionOptions {
  /** How long a request may wait for its whole reply, in ms. */
  readonly timeoutMs?: number;
  /** How much longer than that one may wait, asked when its time is over, in ms. */
  readonly extraMs?: (() => number) | undefined;
  /** How long connecting may take, in ms, the look-up of the host's name included. */
  readonly connectTimeoutMs?: number;
  readonly backoff?: BackoffOptions;
  /** Requests that may wait for a reply at once. */
  readonly maxPending?: number;
  /** Bytes of requests that may wait for a reply at once. */
  readonly maxPendingBytes?: number;
  /** The longest value accepted in a reply, in bytes. */
  readonly maxValueBytes?: number;
  /** How bytes of reply lines become characters; UTF-8 unless told. */
  readonly encoding?: 'utf8' | 'latin1';
  /** Counts its requests, if given. */
  readonly counts?: RequestCounts | undefined;
  /** Called when the state becomes `up` or `down`; the error says why it went down. */
  readonly onState?: (state: 'up' | 'down', error?: UnavailableError) => void;
}

/** What became of requests; all of them only grow. */
export interface RequestCounts {
  /** All of them. */
  operations: number;
  /** Those that were not answered, or with an error. */
  failures: number;
  /** How long the answers took together, errors left out, in ms. */
  latencyMs: number;
}

export const DEFAULT_TIMEOUT_MS = 500;
const DEFAULT_MAX_PENDING = 10_000;
const DEFAULT_MAX_PENDING_BYTES = 32 * 1024 * 1024;
const KEEPALIVE_MS = 30_000;
const QUOTED_ERROR_LENGTH = 200;

interface Pending {
  readonly request: Request<unknown>;
  readonly deadline: number;
  /** Sent by the connection itself, to see whether a node is back. */
  readonly probe: boolean;
  /** The length of a value in the answer that was too large to be taken. */
  skipped?: number;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * One pipelined connection to one node. Requests go out at once and replies are matched to them
 * in order; whatever puts that order in doubt (silence past a deadline, bytes that are not the
 * protocol, a close) drops the connection and everything that waits on it. It connects with the
 * first request. After a failure the node is `down`: requests fail at once, while the connection
 * asks by itself, at growing intervals, whether the node answers again. It keeps the process
 * alive only while a request waits.
 */
export class Connection {
  readonly address: NodeAddress;
  readonly #options: ConnectionOptions;
  readonly #timeoutMs: number;
  readonly #pending: Pending[] = [];
  #pendingBytes = 0;
  #state: NodeState = 'unknown';
  #downReason = '';
  #failures = 0;
  #closed = false;
  #socket: Socket | undefined;
  #connectTimer: NodeJS.Timeout | undefined;
  #deadlineTimer: NodeJS.Timeout | undefined;
  #retryTimer: NodeJS.Timeout | undefined;

  constructor(address: NodeAddress, options: ConnectionOptions = {}) {
    this.address = address;
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  }

  get state(): NodeState {
    return this.#state;
  }

  /**
   * Sends a request; resolves with its result. Rejects with UnavailableError if the node cannot
   * be asked or does not answer within the deadline, with ProtocolError if it answers an error or
   * nonsense.
   */
  request<T>(request: Request<T>): Promise<T> {
    const refusal = this.#refusal(request);
    if (refusal !== undefined) {
      this.#countFailures(1);
      return Promise.reject(this.#unavailable(refusal));
    }
    const socket = this.#socket ?? this.#connect();
    socket.ref();
    return this.#send(socket, request, false);
  }

  /** Ends the connection for good; what waits rejects with UnavailableError. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#retryTimer);
    this.#abandon('the client was closed');
  }

  #refusal(request: Request<unknown>): string | undefined {
    if (this.#closed) return 'the client is closed';
    if (this.#state === 'down') return this.#downReason;
    const { maxPending, maxPendingBytes } = this.#options;
    if (this.#pending.length >= (maxPending ?? DEFAULT_MAX_PENDING)) {
      return `${this.#pending.length} requests already wait for it`;
    }
    const bytes = this.#pendingBytes + request.bytes.length;
    if (bytes > (maxPendingBytes ?? DEFAULT_MAX_PENDING_BYTES)) {
      return `${this.#pendingBytes} bytes of requests already wait for it`;
    }
    return undefined;
  }

  #send<T>(socket: Socket, request: Request<T>, probe: boolean): Promise<T> {
    // All that is sent in one turn of the event loop, by whomever, leaves in one system call.
    if (socket.writableCorked === 0) {
      socket.cork();
      setImmediate(() => socket.uncork());
    }
    socket.write(request.bytes);
    this.#pendingBytes += request.bytes.length;
    return new Promise<T>((resolve, reject) => {
      const deadline = performance.now() + this.#timeoutMs;
      this.#pending.push({
        request,
        deadline,
        probe,
        resolve: resolve as Pending['resolve'],
        reject,
      });
      this.#watchOldest();
    });
  }

  #connect(): Socket {
    const { host, port, text } = this.address;
    const socket =
      port === 0
        ? connect({ path: host })
        : connect({
            host,
            port,
            noDelay: true,
            keepAlive: true,
            keepAliveInitialDelay: KEEPALIVE_MS,
          });
    const parser = new ReplyParser(this.#options);
    const connectTimeoutMs = this.#options.connectTimeoutMs ?? DEFAULT_TIMEOUT_MS;
    // The listeners outlive the connection (a destroyed socket may still report), hence the guard.
    const ifCurrent = (act: () => void) => {
      if (this.#socket === socket) act();
    };
    socket.on('connect', () => ifCurrent(() => clearTimeout(this.#connectTimer)));
    socket.on('data', (chunk: Buffer) => ifCurrent(() => this.#receive(socket, parser, chunk)));
    socket.on('error', (error) => ifCurrent(() => this.#fail(messageOf(error), error)));
    socket.on('end', () => ifCurrent(() => this.#ended()));
    socket.on('close', () => ifCurrent(() => this.#ended()));
    socket.unref();
    this.#connectTimer = setTimeout(() => {
      this.#fail(`no connection to ${text} within ${connectTimeoutMs} ms`);
    }, connectTimeoutMs).unref();
    this.#socket = socket;
    return socket;
  }

  #receive(socket: Socket, parser: ReplyParser, chunk: Buffer): void {
    try {
      for (const reply of parser.push(chunk)) {
        if (reply.kind === 'line' && isErrorLine(reply.line)) this.#deliverError(reply.line);
        else this.#deliver(reply);
        if (this.#socket !== socket) return;
      }
    } catch (error) {
      if (!(error instanceof MalformedReply)) throw error;
      const first = this.#take();
      if (first !== undefined) this.#countFailures(first.probe ? 0 : 1);
      first?.reject(new ProtocolError(this.address.text, error.message));
      this.#fail(error.message, error);
    }
  }

  #deliver(reply: Reply): void {
    const first = this.#pending[0];
    if (first === undefined) throw new MalformedReply('sent a reply that nothing asked for');

    if (reply.kind !== 'line' && reply.skipped !== undefined) first.skipped = reply.skipped;
    const result = first.request.read(reply);
    if (result === MORE) return;
    this.#take();
    this.#countAnswer(first);
    if (first.skipped === undefined) first.resolve(result);
    else first.reject(this.#tooLarge(first.skipped));
    // A node that answers the probe and fails at every real request must still be backed off from.
    if (!first.probe) this.#failures = 0;
    this.#cameUp();
  }

  #deliverError(line: string): void {
    const quoted = JSON.stringify(line.slice(0, QUOTED_ERROR_LENGTH));
    // Not the answer to a request: memcached says it to a connection over its limit and closes.
    if (line.startsWith('ERROR Too many open connections')) {
      this.#fail(`it said ${quoted}`);
      return;
    }
    const first = this.#take();
    if (first !== undefined && !first.probe) this.#countFailures(1);
    first?.reject(new ProtocolError(this.address.text, `answered ${quoted}`, line));
    if (first === undefined || first.probe || !staysInStep(first.request, line)) {
      this.#fail(`it answered ${quoted}`);
    } else {
      this.#cameUp();
    }
  }

  #tooLarge(bytes: number): ProtocolError {
    const most = this.#options.maxValueBytes ?? DEFAULT_MAX_VALUE_BYTES;
    const what = `sent a value of ${bytes} bytes, over the limit of ${most}: raise the limit`;
    return new ProtocolError(this.address.text, what, 'SERVER_ERROR object too large for cache');
  }

  /** Removes the request whose reply is complete. */
  #take(): Pending | undefined {
    const first = this.#pending.shift();
    if (first !== undefined) this.#pendingBytes -= first.request.bytes.length;
    if (this.#pending.length === 0) this.#socket?.unref();
    return first;
  }

  /** One timer watches the oldest request; all have the same time, so it is the first one due. */
  #watchOldest(): void {
    const [oldest] = this.#pending;
    if (oldest === undefined || this.#deadlineTimer !== undefined) return;
    const left = Math.max(1, Math.ceil(this.#dueAt(oldest) - performance.now()));
    this.#deadlineTimer = setTimeout(() => this.#checkOldest(), left).unref();
  }

  #checkOldest(): void {
    this.#deadlineTimer = undefined;
    const [oldest] = this.#pending;
    if (oldest === undefined) return;
    if (this.#dueAt(oldest) > performance.now()) {
      this.#watchOldest();
      return;
    }
    // One more turn of the event loop: replies that came while this process was busy are read
    // before the node is called silent. Of nodes that are due in the same turn the first to be
    // called so may give the others more time.
    setImmediate(() => {
      const due = this.#dueAt(oldest);
      if (this.#pending[0] === oldest && due <= performance.now()) {
        const ms = Math.round(due - oldest.deadline + this.#timeoutMs);
        this.#fail(`no answer within ${ms} ms`);
      } else {
        this.#watchOldest();
      }
    });
  }

  /** More time is asked for only when there is no more. */
  #dueAt({ deadline }: Pending): number {
    if (deadline > performance.now()) return deadline;
    return deadline + (this.#options.extraMs?.() ?? 0);
  }

  #ended(): void {
    // A node may close an idle connection (its idle_timeout, a restart): the next request connects.
    if (this.#pending.length === 0 && this.#state === 'up') this.#abandon('');
    else this.#fail('it closed the connection');
  }

  #fail(reason: string, cause?: unknown): void {
    const error = this.#unavailable(reason, cause);
    const wasDown = this.#state === 'down';
    this.#state = 'down';
    this.#downReason = reason;
    this.#failures++;
    this.#abandon(reason, cause);
    const delay = backoffDelay(this.#failures, this.#options.backoff ?? DEFAULT_BACKOFF);
    this.#retryTimer = setTimeout(() => this.#probe(), delay).unref();
    if (!wasDown) this.#options.onState?.('down', error);
  }

  #probe(): void {
    // A failure reaches #fail by itself, success #cameUp.
    this.#send(this.#connect(), versionRequest(), true).catch(() => {});
  }

  #cameUp(): void {
    if (this.#state === 'up') return;
    this.#state = 'up';
    this.#options.onState?.('up');
  }

  /** Lets go of the connection and fails what waits on it. */
  #abandon(reason: string, cause?: unknown): void {
    clearTimeout(this.#connectTimer);
    clearTimeout(this.#deadlineTimer);
    this.#deadlineTimer = undefined;
    if (this.#socket !== undefined) discard(this.#socket, this.address);
    this.#socket = undefined;
    this.#pendingBytes = 0;
    const pending = this.#pending.splice(0);
    this.#countFailures(pending.filter(({ probe }) => !probe).length);
    for (const { reject } of pending) reject(this.#unavailable(reason, cause));
  }

  #countAnswer({ probe, deadline }: Pending): void {
    const { counts } = this.#options;
    if (counts === undefined || probe) return;
    counts.operations++;
    counts.latencyMs += performance.now() - (deadline - this.#timeoutMs);
  }

  #countFailures(count: number): void {
    const { counts } = this.#options;
    if (counts === undefined) return;
    counts.operations += count;
    counts.failures += count;
  }

  #unavailable(reason: string, cause?: unknown): UnavailableError {
    return new UnavailableError(this.address.text, reason, cause === undefined ? {} : { cause });
  }
}

/**
 * Closes a connection so that what was written and not yet received is never received: a request
 * that was given up on must not be carried out later. A plain close would leave it to the kernel to
 * go on sending for minutes, to a node that was cut off and comes back.
 */
function discard(socket: Socket, { port }: NodeAddress): void {
  if (port === 0 || socket.connecting || socket.destroyed) socket.destroy();
  else socket.resetAndDestroy();
}
