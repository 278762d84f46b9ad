import { connect, type Socket } from 'node:net';
import { GatewayError } from '../errors.ts';
import type { Backend } from '../upstream/backend.ts';
import { ConnectError } from '../upstream/failure.ts';
import { BodyFraming } from './body.ts';
import type { Deadlined, Deadlines } from './deadlines.ts';
import { HeadError, type ResponseHead } from './head.ts';
import { ResponseParser } from './response-parser.ts';

/** The exchange that a connection serves, told of all that the backend does. */
export interface UpstreamListener {
  /** The connection is there: what is written from now on may arrive. */
  onUpstreamConnect(): void;
  /** Of the request, what was written so far has been taken; more may come. */
  onUpstreamDrain(): void;
  /** A 1xx answer but 101; the final one follows. */
  onInformational(head: ResponseHead): void;
  /** The final answer's head, with what of its body came along. */
  onResponse(head: ResponseHead, body: Buffer, complete: boolean): void;
  onResponseBody(chunk: Buffer, complete: boolean): void;
  /** The backend changed protocols; the socket is the listener's from now on. */
  onSwitch(head: ResponseHead, rest: Buffer, socket: Socket): void;
  /** The answer will not come, or not to its end. */
  onUpstreamError(error: Error): void;
}

export interface UpstreamTimeouts {
  readonly connectMs: number;
  readonly serverMs: number;
  /** How long an unused connection is kept. */
  readonly idleMs: number;
}

const EMPTY = Buffer.alloc(0);

/** Most 1xx answers to one request: each lets the backend take its time anew. */
const MAX_INTERIM = 100;

/** One connection to a backend, serving one exchange after the other. */
export class UpstreamConnection implements Deadlined {
  readonly backend: Backend;
  readonly socket: Socket;
  deadline: number;
  connected = false;
  /** How many exchanges it served before the present one. */
  served = 0;
  readonly #deadlines: Deadlines;
  readonly #timeouts: UpstreamTimeouts;
  /** Takes the connection back when an exchange is done with it and it can serve another. */
  readonly #onIdle: (connection: UpstreamConnection) => void;
  readonly #onClosed: (connection: UpstreamConnection) => void;
  readonly #parser = new ResponseParser();
  readonly #body = new BodyFraming();
  #listener: UpstreamListener | undefined;
  #method = '';
  #inBody = false;
  /** 1xx answers to the present request. */
  #interim = 0;
  #reusable = false;
  #requestComplete = false;
  #closed = false;

  constructor(
    backend: Backend,
    deadlines: Deadlines,
    timeouts: UpstreamTimeouts,
    onIdle: (connection: UpstreamConnection) => void,
    onClosed: (connection: UpstreamConnection) => void,
  ) {
    const { url } = backend.address;
    this.backend = backend;
    this.#deadlines = deadlines;
    this.#timeouts = timeouts;
    this.#onIdle = onIdle;
    this.#onClosed = onClosed;
    this.deadline = deadlines.in(timeouts.connectMs);
    this.socket = connect({
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port || 80),
      noDelay: true,
      keepAlive: true,
      allowHalfOpen: true,
    });
    deadlines.add(this);
    this.socket.on('connect', () => {
      this.connected = true;
      this.deadline = deadlines.in(timeouts.serverMs);
      this.#listener?.onUpstreamConnect();
    });
    this.socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    this.socket.on('drain', () => this.#listener?.onUpstreamDrain());
    this.socket.on('end', () => this.#onEnd());
    this.socket.on('error', (error) => this.#fail(error));
    this.socket.on('close', () => this.#fail(new Error('the connection was closed')));
  }

  /** Serves an exchange from now on. */
  begin(listener: UpstreamListener, method: string): void {
    this.#listener = listener;
    this.#method = method;
    this.#inBody = false;
    this.#interim = 0;
    this.#requestComplete = false;
    if (this.connected) this.deadline = this.#deadlines.in(this.#timeouts.serverMs);
  }

  /** Writes of the request; false where it is better to wait for `onUpstreamDrain`. */
  write(data: string | Buffer, complete: boolean): boolean {
    this.#requestComplete = complete;
    if (this.connected) this.deadline = this.#deadlines.in(this.#timeouts.serverMs);
    return typeof data === 'string' ? this.socket.write(data, 'latin1') : this.socket.write(data);
  }

  /** Reads no more for now; the time until `resume` is not the backend's. */
  pause(): void {
    this.socket.pause();
    this.deadline = Number.POSITIVE_INFINITY;
  }

  resume(): void {
    this.socket.resume();
    this.deadline = this.#deadlines.in(this.#timeouts.serverMs);
  }

  /** The exchange has lost interest: whatever the backend still does is of no use. */
  abandon(): void {
    this.#listener = undefined;
    this.close();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#deadlines.remove(this);
    this.socket.destroy();
    this.#onClosed(this);
  }

  onDeadline(): void {
    const listener = this.#listener;
    if (!listener) {
      this.close();
      return;
    }
    this.#fail(
      this.connected
        ? new GatewayError('upstreamTimeout', `silent for ${this.#timeouts.serverMs} ms`)
        : new ConnectError(`no connection within ${this.#timeouts.connectMs} ms`),
    );
  }

  #onData(chunk: Buffer): void {
    if (!this.#listener) {
      // Nobody asked: whatever this is, it belongs to no exchange.
      this.close();
      return;
    }
    this.deadline = this.#deadlines.in(this.#timeouts.serverMs);
    try {
      if (this.#inBody) this.#onBody(chunk);
      else this.#onHead(chunk);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #onHead(chunk: Buffer): void {
    let bytes = chunk;
    for (;;) {
      const head = this.#parser.parse(bytes, this.#method);
      if (!head) return;
      bytes = this.#parser.rest;
      if (head.status === 101) {
        this.#detach()?.onSwitch(head, bytes, this.socket);
        return;
      }
      if (head.status >= 200) {
        this.#begin(head, bytes);
        return;
      }
      this.#interim += 1;
      if (this.#interim > MAX_INTERIM) {
        throw new HeadError(400, 'more interim answers than anyone sends');
      }
      this.#listener?.onInformational(head);
      if (bytes.length === 0) return;
    }
  }

  #begin(head: ResponseHead, bytes: Buffer): void {
    this.#body.start(head.bodyLength);
    this.#inBody = true;
    this.#reusable = head.keepAlive;
    const end = this.#body.take(bytes);
    const complete = this.#body.done;
    if (complete && end < bytes.length) this.#reusable = false;
    const listener = this.#listener;
    if (complete) this.#finish();
    listener?.onResponse(head, end === bytes.length ? bytes : bytes.subarray(0, end), complete);
  }

  #onBody(chunk: Buffer): void {
    const end = this.#body.take(chunk);
    const complete = this.#body.done;
    if (complete && end < chunk.length) this.#reusable = false;
    const listener = this.#listener;
    if (complete) this.#finish();
    listener?.onResponseBody(end === chunk.length ? chunk : chunk.subarray(0, end), complete);
  }

  /** The answer is complete: gives the connection back, or ends it. */
  #finish(): void {
    this.#listener = undefined;
    this.served += 1;
    if (!this.#reusable || !this.#requestComplete) {
      this.close();
      return;
    }
    this.deadline = this.#deadlines.in(this.#timeouts.idleMs);
    this.#onIdle(this);
  }

  #onEnd(): void {
    if (this.#listener && this.#inBody && this.#body.finish()) {
      const listener = this.#listener;
      this.#reusable = false;
      this.#finish();
      listener.onResponseBody(EMPTY, true);
      return;
    }
    this.#fail(new Error('the backend closed the connection before its answer was complete'));
  }

  #fail(error: Error): void {
    const listener = this.#listener;
    this.#listener = undefined;
    this.close();
    listener?.onUpstreamError(
      this.connected || error instanceof ConnectError
        ? error
        : new ConnectError(error.message, { cause: error }),
    );
  }

  #detach(): UpstreamListener | undefined {
    const listener = this.#listener;
    this.#listener = undefined;
    this.#closed = true;
    this.#deadlines.remove(this);
    for (const event of ['connect', 'data', 'drain', 'end', 'error', 'close']) {
      this.socket.removeAllListeners(event);
    }
    this.#onClosed(this);
    return listener;
  }
}
