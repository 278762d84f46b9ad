import type { Socket } from 'node:net';
import { GatewayError } from '../errors.ts';
import type { Intake } from '../intake.ts';
import type { Backend } from '../upstream/backend.ts';
import { openBackendSocket } from '../upstream/backend-socket.ts';
import type { Endpoints } from '../upstream/endpoints.ts';
import { ConnectTimeoutError } from '../upstream/failure.ts';
import { BodyFraming } from './body.ts';
import type { Deadlined, Deadlines } from './deadlines.ts';
import { HeadError, type ResponseHead } from './head.ts';
import type { Outbox } from './outbox.ts';
import type { RawConnection } from './raw-connection.ts';
import { ResponseParser } from './response-parser.ts';
import { SendQueue } from './send-queue.ts';

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
  /** The backend changed protocols; the connection is the listener's from now on. */
  onSwitch(head: ResponseHead, rest: Buffer, upstream: RawConnection): void;
  /** The backend is found to be gone, and has not begun to answer. */
  onBackendGone(): void;
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
  /** The client's connection that it is for. */
  readonly client: Endpoints;
  deadline: number;
  /** How many exchanges it served before the present one. */
  served = 0;
  readonly #deadlines: Deadlines;
  readonly #timeouts: UpstreamTimeouts;
  readonly #outbox: Outbox;
  /** Takes the connection back when an exchange is done with it and it can serve another. */
  readonly #onIdle: (connection: UpstreamConnection) => void;
  readonly #onClosed: (connection: UpstreamConnection) => void;
  readonly #parser = new ResponseParser();
  readonly #body = new BodyFraming();
  /** Undefined until it is connected and, where it is to be, secured. */
  #socket: Socket | undefined;
  #sendQueue: SendQueue | undefined;
  /** What is to be written then. */
  #early: (string | Buffer)[] = [];
  readonly #giveUp: () => void;
  readonly #intake: Intake;
  readonly #handlers = {
    end: () => this.#onEnd(),
    error: (error: Error) => this.#fail(error),
    close: () => this.#fail(new Error('the connection was closed')),
  };
  #listener: UpstreamListener | undefined;
  #method = '';
  #inBody = false;
  #paused = false;
  /** 1xx answers to the present request. */
  #interim = 0;
  #reusable = false;
  #requestComplete = false;
  /** The client waits for an interim answer before it sends the body. */
  #expectContinue = false;
  /** Why nothing can be sent any more. */
  #sendError: Error | undefined;
  #closed = false;

  constructor(
    backend: Backend,
    client: Endpoints,
    deadlines: Deadlines,
    timeouts: UpstreamTimeouts,
    readBuffer: Buffer,
    outbox: Outbox,
    onIdle: (connection: UpstreamConnection) => void,
    onClosed: (connection: UpstreamConnection) => void,
  ) {
    this.backend = backend;
    this.client = client;
    this.#deadlines = deadlines;
    this.#timeouts = timeouts;
    this.#outbox = outbox;
    this.#onIdle = onIdle;
    this.#onClosed = onClosed;
    this.deadline = deadlines.in(timeouts.connectMs);
    backend.traffic.opened += 1;
    backend.traffic.connections += 1;
    deadlines.add(this);
    this.#intake = { buffer: readBuffer, take: (bytes) => this.#onData(bytes) };
    this.#giveUp = openBackendSocket({
      backend: backend.address,
      client,
      allowHalfOpen: true,
      intake: this.#intake,
      onOpen: (socket) => this.#onOpen(socket),
      onFailed: (error) => this.#fail(error),
    });
  }

  get connected(): boolean {
    return this.#socket !== undefined;
  }

  /** Serves an exchange from now on. */
  begin(listener: UpstreamListener, method: string, expectContinue: boolean): void {
    this.#listener = listener;
    this.#method = method;
    this.#expectContinue = expectContinue;
    this.#inBody = false;
    this.#paused = false;
    this.#interim = 0;
    this.#requestComplete = false;
  }

  /**
   * Writes of the request; false where it is better to wait for `onUpstreamDrain`. Bytes are the
   * caller's own again afterwards.
   */
  write(data: string | Buffer, complete: boolean): boolean {
    this.#requestComplete = complete;
    // Bytes are of the body, for which the client has not waited.
    if (typeof data !== 'string') this.#expectContinue = false;
    if (!this.#sendQueue) {
      this.#early.push(typeof data === 'string' ? data : Buffer.from(data));
      return false;
    }
    this.#send(this.#sendQueue, data);
    this.#expect();
    return !this.#sendQueue.full;
  }

  /** Reads no more for now. */
  pause(): void {
    this.#paused = true;
    this.#socket?.pause();
    this.#expect();
  }

  resume(): void {
    if (!this.#socket) return;
    this.#paused = false;
    this.#socket.resume();
    this.#expect();
  }

  /** The exchange has lost interest: whatever the backend still does is of no use. */
  abandon(): void {
    this.#listener = undefined;
    this.close();
  }

  /** Its backend is gone: of no use where it serves nobody; who waits for an answer is told. */
  leave(): void {
    if (!this.#listener) this.close();
    else if (!this.#inBody) this.#listener.onBackendGone();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.backend.traffic.connections -= 1;
    this.#deadlines.remove(this);
    if (this.#socket) this.#socket.destroy();
    else this.#giveUp();
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
        : new ConnectTimeoutError(`no connection within ${this.#timeouts.connectMs} ms`),
    );
  }

  /** The backend's time runs while it is the backend that is waited for, and not the client. */
  #expect(): void {
    const takesMore = !(this.#requestComplete || this.#expectContinue || this.#sendQueue?.full);
    const awaitsClient = this.#paused || (takesMore && !this.#sendError);
    this.deadline = awaitsClient
      ? Number.POSITIVE_INFINITY
      : this.#deadlines.in(this.#timeouts.serverMs);
  }

  #onOpen(socket: Socket): void {
    this.#socket = socket;
    const { end, error, close } = this.#handlers;
    socket.on('end', end).on('error', error).on('close', close);
    this.#sendQueue = new SendQueue(socket, this.#outbox);
    this.#sendQueue.onDrain = this.#onDrain;
    this.#sendQueue.onError = this.#onSendError;
    for (const data of this.#early) this.#send(this.#sendQueue, data);
    this.#early = [];
    this.#expect();
    this.#listener?.onUpstreamConnect();
  }

  #send(sendQueue: SendQueue, data: string | Buffer): void {
    this.backend.traffic.bytesIn += data.length;
    if (typeof data === 'string') sendQueue.write(data);
    else sendQueue.write('', data);
  }

  readonly #onDrain = (): void => {
    if (!this.#listener) return;
    this.#expect();
    this.#listener.onUpstreamDrain();
  };

  /**
   * The backend has closed, and takes no more. Mostly that is behind an answer, such as 413, for which it did
   * not need the whole request: that is in the kernel, and is read, with the connection's end behind it.
   */
  readonly #onSendError = (error: Error): void => {
    this.#sendError = error;
    this.#expect();
  };

  #onData(chunk: Buffer): void {
    const listener = this.#listener;
    if (!listener) {
      // Nobody asked: whatever this is, it belongs to no exchange.
      this.close();
      return;
    }
    this.backend.traffic.bytesOut += chunk.length;
    this.#expect();
    try {
      if (this.#inBody) this.#onBody(chunk);
      else this.#onHead(chunk);
    } catch (error) {
      this.#fail(error as Error, listener);
    }
  }

  #onHead(chunk: Buffer): void {
    let bytes = chunk;
    for (;;) {
      const head = this.#parser.parse(bytes, this.#method);
      if (!head) return;
      bytes = this.#parser.rest;
      if (head.status === 101) {
        this.#handOver(head, bytes);
        return;
      }
      if (head.status >= 200) {
        this.#begin(head, bytes);
        return;
      }
      this.#interim += 1;
      this.#expectContinue &&= head.status !== 100;
      this.#expect();
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
    if (!this.#reusable || !this.#requestComplete || this.#sendError) {
      this.close();
      return;
    }
    // TLS passes on what it has read, paused or not: the answer may have ended meanwhile.
    if (this.#paused) this.resume();
    this.deadline = this.#deadlines.in(this.#timeouts.idleMs);
    this.#onIdle(this);
  }

  #onEnd(): void {
    // An end behind a reset, which whoever sent was told of, says nothing of the body.
    if (this.#listener && this.#inBody && !this.#sendError && this.#body.finish()) {
      const listener = this.#listener;
      this.#reusable = false;
      this.#finish();
      listener.onResponseBody(EMPTY, true);
      return;
    }
    const closed = 'the backend closed the connection before its answer was complete';
    this.#fail(this.#sendError ?? new Error(closed));
  }

  #fail(error: Error, listener = this.#listener): void {
    this.#listener = undefined;
    this.close();
    listener?.onUpstreamError(error);
  }

  #handOver(head: ResponseHead, rest: Buffer): void {
    const listener = this.#listener;
    const socket = this.#socket!;
    this.#listener = undefined;
    this.#closed = true;
    this.backend.traffic.connections -= 1;
    this.#deadlines.remove(this);
    // These alone: TLS has listeners of its own.
    const { end, error, close } = this.#handlers;
    socket.off('end', end).off('error', error).off('close', close);
    this.#sendQueue!.onError = undefined;
    this.#onClosed(this);
    listener?.onSwitch(head, rest, { intake: this.#intake, sendQueue: this.#sendQueue! });
  }
}
