import type { Socket } from 'node:net';
import { GatewayError } from '../errors.ts';
import { type Intake, readInto } from '../intake.ts';
import { isSafe } from '../upstream/attempts.ts';
import { failureOf } from '../upstream/failure.ts';
import type { Lease } from '../upstream/pool.ts';
import { Answer, unread } from './answer.ts';
import { BodyFraming } from './body.ts';
import { ClientPatience, type Impatient } from './client-patience.ts';
import type { DownstreamContext, DownstreamPeer, Retirable } from './downstream-context.ts';
import { Exchange, type ForwardedRequest, type Responder } from './exchange.ts';
import { HeadError, type RequestHead, type ResponseHead } from './head.ts';
import { copyOf } from './octets.ts';
import { ForwardedLines, informationalHead } from './outgoing-head.ts';
import type { RawConnection } from './raw-connection.ts';
import { refusalOf } from './refusal.ts';
import { RequestParser } from './request-parser.ts';
import { SendQueue } from './send-queue.ts';
import { terminationOf } from './termination.ts';
import { WebsocketRequest } from './websocket-request.ts';

/**
 * `head`: a request is awaited or coming in; `body`: its body is; `response`: it is complete and
 * its answer is not; `lingering`: our side is closed and what the client still sends is dropped;
 * `gone`: closed, or a tunnel, and no business of this class any more.
 */
type State = 'head' | 'body' | 'response' | 'lingering' | 'gone';

/** How much of following requests is kept while an answer is under way, in bytes. */
const MAX_STASH = 65_536;

const EMPTY = Buffer.alloc(0);

/** One HTTP/1.1 connection of a client: its requests one after the other, then perhaps a tunnel. */
export class DownstreamConnection implements Impatient, Responder, Retirable {
  readonly #socket: Socket;
  readonly #peer: DownstreamPeer;
  readonly #forwarded: ForwardedLines;
  readonly #relay: DownstreamContext;
  readonly #intake: Intake;
  readonly #sendQueue: SendQueue;
  readonly #handlers = {
    end: () => this.#onEnd(),
    // What follows an error is 'close'; the handler keeps it from being thrown.
    error: () => {},
    close: () => this.#onClose(),
  };
  readonly #parser = new RequestParser();
  readonly #body = new BodyFraming();
  readonly #patience: ClientPatience;
  #state: State = 'head';
  /** The answer to the present request. */
  #answer: Answer | undefined;
  #exchange: Exchange | undefined;
  /** Where the present request asks for a websocket. */
  #websocket: WebsocketRequest | undefined;
  #keepAlive = true;
  /** It sends its body when the backend has said that it may. */
  #awaitsContinue = false;
  /** When the first byte of a head came that was not complete with it. */
  #headBegan: number | undefined;
  /** What came of the next requests while the answer to the present one is under way. */
  #stash: Buffer = EMPTY;
  /** It is read in the next tick. */
  #isNextDue = false;

  constructor(socket: Socket, peer: DownstreamPeer, relay: DownstreamContext) {
    this.#socket = socket;
    this.#peer = peer;
    this.#forwarded = new ForwardedLines(peer);
    this.#relay = relay;
    const { end, error, close } = this.#handlers;
    socket.on('end', end).on('error', error).on('close', close);
    this.#sendQueue = new SendQueue(socket, relay.outbox);
    this.#sendQueue.onDrain = this.#onDrain;
    this.#patience = new ClientPatience(this.#sendQueue, relay.deadlines, relay.timeouts, this);
    this.#patience.awaitHead();
    this.#intake = { buffer: relay.readBuffer, take: (bytes) => this.#take(bytes) };
    readInto(socket, this.#intake);
  }

  retire(): void {
    this.#keepAlive = false;
    if (this.#state === 'head' && this.#parser.idle) this.#endIdle();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  onOverdue(): void {
    switch (this.#state) {
      case 'head':
        // An idle connection ends without a word; a head that does not come is told.
        if (this.#parser.idle) this.#onIdle();
        else this.#refuse(new GatewayError('requestTimeout', 'the head was not complete in time'));
        break;
      case 'body':
        // It has its answer, and may have stopped for that: while some of it waits, that is watched.
        if (this.#answer?.begun && this.#sendQueue.length > 0) {
          this.#awaitUptake();
          break;
        }
        this.#exchange?.cancel();
        this.#refuse(
          new GatewayError('requestTimeout', 'the body paused for too long, or came too slowly'),
        );
        break;
      default:
        // While something waits to be taken, that is watched.
        if (this.#sendQueue.length > 0) this.#awaitUptake();
        else this.onStuck();
    }
  }

  onStuck(): void {
    if (this.#answer) this.#answer.termination = 'cD';
    this.#socket.destroy();
  }

  /** Nothing was asked for `keepAliveMs`: it is idle only if the last answer has gone. */
  #onIdle(): void {
    if (this.#sendQueue.length === 0) {
      this.#endIdle();
      return;
    }
    this.#patience.watchUptake();
    this.#patience.awaitRequest();
  }

  /** Ends a connection between two requests; what still comes is of no use, and nobody is asked for it. */
  #endIdle(): void {
    if (this.#sendQueue.length > 0) {
      this.#linger();
      return;
    }
    this.#state = 'lingering';
    this.#patience.awaitNothing();
    this.#sendQueue.endSoon();
  }

  #awaitUptake(): void {
    this.#patience.watchUptake();
    this.#patience.awaitSign();
  }

  #take(bytes: Buffer): void {
    this.#relay.counters.bytesIn += bytes.length;
    this.#onData(bytes);
    // What is left of them is needed later, when others have been read in their place.
    if (this.#stash.length > 0 && this.#stash.buffer === bytes.buffer) {
      this.#stash = Buffer.from(this.#stash);
    }
  }

  #onData(chunk: Buffer): void {
    try {
      if (this.#state === 'head') this.#onHead(chunk);
      else if (this.#state === 'body') this.#onBody(chunk);
      else if (this.#state === 'response') this.#keep(chunk);
    } catch (error) {
      if (!(error instanceof HeadError || error instanceof GatewayError)) throw error;
      this.#exchange?.cancel();
      this.#refuse(refusalOf(error));
    }
  }

  #keep(chunk: Buffer): void {
    this.#stash = this.#stash.length === 0 ? chunk : Buffer.concat([this.#stash, chunk]);
    if (this.#stash.length > MAX_STASH) this.#socket.pause();
  }

  #onHead(chunk: Buffer): void {
    const wasIdle = this.#parser.idle;
    const head = this.#parser.parse(chunk);
    if (head) {
      this.#begin(head, this.#parser.rest);
    } else if (wasIdle) {
      // From the first byte on the clock runs, however many follow (slowloris).
      this.#headBegan = performance.now();
      this.#patience.awaitHead();
    }
  }

  #begin(head: RequestHead, rest: Buffer): void {
    const relay = this.#relay;
    const { method } = head;
    const answer = new Answer(head, this.#peer, this.#forwarded, relay, this.#headBegan);
    this.#headBegan = undefined;
    this.#answer = answer;
    this.#keepAlive = head.keepAlive && !relay.retiring;
    this.#body.start(head.bodyLength);
    const end = this.#body.take(rest);
    const complete = this.#body.done;
    this.#stash = end === rest.length ? EMPTY : rest.subarray(end);
    this.#state = complete ? 'response' : 'body';
    if (!complete) this.#patience.beginBody();
    if (method === 'CONNECT') {
      throw new GatewayError('notImplemented', 'CONNECT is for proxies of another kind');
    }
    const location = relay.route(head, this.#peer);
    if (location !== undefined) {
      this.#redirect(answer, location);
      return;
    }
    const { text, asked, told } = answer.outgoing;
    const websocket = answer.upgrade
      ? new WebsocketRequest(relay, head, told.host, this.#peer, complete)
      : undefined;
    this.#websocket = websocket;
    // Who has sent some of the body has not waited.
    this.#awaitsContinue = head.expectContinue && !complete && end === 0;
    const request = {
      method,
      head: text,
      replayable: complete && end === 0 && !answer.upgrade && isSafe(method),
      upgrade: answer.upgrade,
      expectContinue: this.#awaitsContinue,
      asked,
      pinned: websocket?.pinned,
      client: this.#peer.endpoints,
    };
    if (websocket?.settled) this.#forwardWhen(websocket.settled, answer, request);
    else this.#forward(request, end === 0 ? EMPTY : rest.subarray(0, end), complete);
  }

  #forward(request: ForwardedRequest, body: Buffer, complete: boolean): void {
    this.#exchange = new Exchange(this.#relay, request, this);
    this.#awaitMore(this.#exchange.start(body, complete));
  }

  #forwardWhen(settled: Promise<void>, answer: Answer, request: ForwardedRequest): void {
    // Whoever decides has a deadline.
    this.#patience.awaitNothing();
    settled.then(
      () => {
        if (this.#answer === answer) this.#forward(request, EMPTY, true);
      },
      (cause: unknown) => {
        const failure = cause instanceof GatewayError ? cause : failureOf(cause, 'admission');
        if (this.#answer === answer) this.#refuse(failure);
      },
    );
  }

  #onBody(chunk: Buffer): void {
    this.#awaitsContinue = false;
    this.#patience.bodyCame(chunk.length);
    const end = this.#body.take(chunk);
    const complete = this.#body.done;
    if (complete) {
      this.#state = 'response';
      this.#stash = chunk.subarray(end);
      // TLS passes on what it has read, paused or not: a client that leaves is to be seen.
      if (this.#socket.isPaused()) this.#socket.resume();
    }
    const bytes = end === chunk.length ? chunk : chunk.subarray(0, end);
    this.#awaitMore(this.#exchange?.body(bytes, complete) ?? true);
  }

  /** The client's time runs only while it is the client that is waited for. */
  #awaitMore(more: boolean): void {
    if (this.#state === 'body' && more) {
      this.#awaitBody();
      return;
    }
    if (this.#state === 'body') this.#socket.pause();
    if (this.#state !== 'lingering') this.#patience.awaitNothing();
  }

  #awaitBody(): void {
    // It is the backend that is waited for, until it has said that the body may come.
    if (this.#awaitsContinue) this.#patience.awaitNothing();
    else this.#patience.awaitBody();
  }

  resumeRequest(): void {
    if (this.#state !== 'body') return;
    this.#socket.resume();
    this.#awaitBody();
  }

  informational(head: ResponseHead): void {
    // RFC 9110 §15.2: never to an HTTP/1.0 client.
    if (this.#answer?.minor === 1) this.#sendQueue.write(informationalHead(head));
    if (head.status !== 100 || !this.#awaitsContinue) return;
    this.#awaitsContinue = false;
    if (this.#state === 'body' && !this.#socket.isPaused()) this.#awaitBody();
  }

  respond(head: ResponseHead, backend: string, body: Buffer, complete: boolean): boolean {
    const answer = this.#answer!;
    const relay = this.#relay;
    // An answer that overtakes its request leaves the rest of it unread, and the connection with it.
    if (this.#state === 'body' || answer.endsWithConnection(head.bodyLength)) {
      this.#keepAlive = false;
    }
    const text = answer.begin(head, backend, this.#keepAlive, relay);
    return this.#write(text, answer.body(body, complete), complete);
  }

  respondBody(chunk: Buffer, complete: boolean): boolean {
    return this.#write('', this.#answer!.body(chunk, complete), complete);
  }

  switchProtocols(head: ResponseHead, rest: Buffer, upstream: RawConnection, lease: Lease): void {
    const answer = this.#answer!;
    const early = this.#state !== 'response' ? 'switched protocols too early' : undefined;
    const fault = early ?? answer.faultOfSwitch(head);
    if (fault) {
      upstream.sendQueue.socket.destroy();
      lease.release('failed');
      this.#refuse(new GatewayError('badGateway', `${lease.backend.name} ${fault}`));
      return;
    }
    const socket = this.#socket;
    const hello = answer.switching(head, this.#relay);
    answer.bytes = hello.length;
    const record = answer.record(this.#exchange, false);
    // Its target is cut out of the head, which need not be kept for as long as the tunnel lasts.
    const request = { ...record, target: copyOf(record.target) };
    this.#leave();
    // These alone: TLS has listeners of its own.
    const { end, error, close } = this.#handlers;
    socket.off('end', end).off('error', error).off('close', close);
    this.#sendQueue.write(hello, rest);
    upstream.sendQueue.write('', this.#stash);
    this.#relay.openTunnel({
      downstream: { intake: this.#intake, sendQueue: this.#sendQueue },
      upstream,
      early: { fromClient: this.#stash, fromBackend: rest },
      lease,
      admitted: this.#websocket?.becomeTunnel(lease.backend.name),
      request,
    });
  }

  fail(error: GatewayError): void {
    this.#refuse(error);
  }

  breakOff(error: GatewayError): void {
    this.#relay.report.failed(this.#answer?.requestId ?? '', error);
    if (this.#answer) this.#answer.termination = terminationOf(error, 'D');
    // What there is of the answer is the client's; where it ends tells that it is not complete.
    this.#state = 'lingering';
    this.#patience.awaitNothing();
    this.#socket.resume();
    this.#sendQueue.cut();
  }

  #write(head: string, bytes: Buffer, complete: boolean): boolean {
    if (this.#answer) this.#answer.bytes += head.length + bytes.length;
    this.#relay.counters.bytesOut += head.length + bytes.length;
    this.#sendQueue.write(head, bytes);
    const more = !this.#sendQueue.full;
    // While its answer comes, nobody waits for the rest of the request.
    if (this.#state === 'body') this.#patience.awaitSign();
    if (complete) this.#finish();
    else if (!more) this.#patience.watchUptake();
    return more;
  }

  readonly #onDrain = (): void => {
    this.#patience.unwatchUptake();
    if (this.#state !== 'body' && this.#state !== 'response') return;
    if (!this.#answer) {
      if (this.#isNextDue) return;
      if (this.#keepAlive) this.#next();
      else this.#linger();
      return;
    }
    this.#exchange?.resumeResponse();
  };

  /** The answer has been written whole. */
  #finish(): void {
    this.#log();
    this.#exchange = undefined;
    // Idle connections are many, and a head may have 32 KiB.
    this.#parser.reset();
    if (!this.#keepAlive) {
      this.#linger();
      return;
    }
    this.#state = 'response';
    if (!this.#sendQueue.full) {
      this.#next();
      return;
    }
    // A client that asks on without taking its answers would fill the memory with them.
    this.#socket.pause();
    this.#patience.awaitNothing();
    this.#patience.watchUptake();
  }

  /** Turns to the next request of the connection. */
  #next(): void {
    this.#state = 'head';
    this.#patience.awaitRequest();
    if (this.#socket.isPaused()) this.#socket.resume();
    if (this.#stash.length === 0) return;
    // Not from within the backend's event: a long line of pipelined requests would grow the stack.
    // Bytes that come before that are kept behind these.
    this.#isNextDue = true;
    this.#state = 'response';
    process.nextTick(() => {
      this.#isNextDue = false;
      if (this.#state !== 'response') return;
      const bytes = this.#stash;
      this.#stash = EMPTY;
      this.#state = 'head';
      this.#onData(bytes);
    });
  }

  #redirect(answer: Answer, location: string): void {
    this.#keepAlive &&= this.#state === 'response';
    this.#write(answer.redirect(location, this.#relay, this.#keepAlive), EMPTY, true);
  }

  /**
   * Answers with an error page. What a backend did wrong leaves the connection as it was; after a
   * fault of the client's nothing more that comes on it can be trusted.
   */
  #refuse(failure: GatewayError): void {
    if (this.#state === 'lingering' || this.#state === 'gone') return;
    const answer = this.#answer;
    if (answer?.begun) {
      // Nothing can be said any more in an answer that has begun: it breaks off.
      this.breakOff(failure);
      return;
    }
    this.#keepAlive &&= failure.source !== 'downstream' && this.#state === 'response';
    const page = answer ? this.#refusalOf(answer, failure) : this.#refusalOfUnread(failure);
    this.#write(page, EMPTY, true);
  }

  #refusalOf(answer: Answer, failure: GatewayError): string {
    this.#relay.report.failed(answer.requestId, failure);
    const termination = terminationOf(failure, this.#exchange ? 'H' : 'R');
    return answer.refusal(failure, termination, this.#relay, this.#keepAlive);
  }

  /** A head that could not be read leaves a request of which nothing is known. */
  #refusalOfUnread(failure: GatewayError): string {
    const { page, record } = unread(this.#peer, failure, this.#relay, this.#headBegan);
    this.#relay.report.failed(record.requestId, failure);
    this.#relay.report.answered(record);
    return page;
  }

  /**
   * Ends our side and drops what still comes in: a close with unread bytes would make TCP reset
   * the connection, and the answer might never be read (RFC 9112 §9.6).
   */
  #linger(): void {
    this.#state = 'lingering';
    this.#awaitUptake();
    this.#stash = EMPTY;
    this.#sendQueue.end(() => this.#patience.awaitEnd());
    this.#socket.resume();
  }

  #onEnd(): void {
    // A client that leaves says so by closing its side: whoever waits for an answer keeps it open.
    if (this.#state === 'lingering') return;
    this.#sendQueue.send();
    this.#socket.destroy();
  }

  #onClose(): void {
    if (this.#state === 'gone') return;
    const answer = this.#answer;
    if (answer?.termination === '--') answer.termination = `C${this.#exchange?.phase ?? 'R'}`;
    this.#exchange?.cancel();
    this.#log(true);
    this.#leave();
  }

  #leave(): void {
    this.#state = 'gone';
    this.#exchange = undefined;
    this.#patience.end();
    this.#relay.forget(this);
  }

  #log(aborted = false): void {
    const answer = this.#answer;
    if (!answer) return;
    this.#websocket?.leave();
    this.#websocket = undefined;
    this.#relay.report.answered(answer.record(this.#exchange, aborted));
    this.#answer = undefined;
  }
}
