import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { BackendAddress } from './backend-address.ts';
import { openBackendSocket } from './backend-socket.ts';
import type { CheckResult } from './check-result.ts';
import { isOwnFault } from './failure.ts';
import {
  BannerReader,
  CLOSE_FRAME,
  faultOfSwitch,
  type HandshakeAnswer,
  HandshakeReader,
  handshakeRequest,
} from './handshake.ts';
import { type Expectation, includesStatus } from './status-set.ts';

/** A websocket handshake with a backend, and what it takes for a good answer. */
export interface WebSocketCheck {
  readonly kind: 'websocket';
  readonly path: string;
  /** Host header to send; the backend's own address where undefined. */
  readonly host?: string | undefined;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly expect: Expectation;
  /** Whether a VNC server behind it has to greet, which takes a path with a good token. */
  readonly banner: boolean;
  /** Longest wait for the whole of it, in ms. */
  readonly timeoutMs: number;
}

/** How long a backend may take to close a websocket that it was asked to close, in ms. */
const FAREWELL_MS = 1_000;

/**
 * Opens a websocket to one backend and closes it again with a close frame; never rejects. A backend
 * is alive if it answers the handshake as it should, be it only to close at once. One that closes
 * in order without an answer is alive where the expectation allows it: it has read the request and
 * misses a token, whereas what is dead refuses or resets, and what hangs is silent.
 */
export function checkWebSocket(
  backend: BackendAddress,
  check: WebSocketCheck,
): Promise<CheckResult> {
  return new Promise((resolve) => new Handshake(backend, check, resolve));
}

class Handshake {
  readonly #check: WebSocketCheck;
  readonly #resolve: (result: CheckResult) => void;
  readonly #key = randomBytes(16).toString('base64');
  readonly #reader = new HandshakeReader();
  readonly #timer: NodeJS.Timeout;
  readonly #giveUp: () => void;
  #socket: Socket | undefined;
  #banner: BannerReader | undefined;

  constructor(
    backend: BackendAddress,
    check: WebSocketCheck,
    resolve: (result: CheckResult) => void,
  ) {
    this.#check = check;
    this.#resolve = resolve;
    this.#giveUp = openBackendSocket({
      backend,
      client: undefined,
      // The end of its side alone says nothing yet of ours.
      allowHalfOpen: true,
      onOpen: (socket) => this.#onOpen(socket, check.host ?? backend.url.host),
      onFailed: (error) => this.#finish({ ok: false, detail: error.message }, error),
    });
    // One deadline for all of it: a backend that trickles is not well.
    this.#timer = setTimeout(() => {
      const what = this.#socket ? this.#awaited() : 'connection';
      this.#finish({ ok: false, detail: `no ${what} within ${check.timeoutMs} ms` });
    }, check.timeoutMs);
  }

  #onOpen(socket: Socket, host: string): void {
    const { path, headers = [] } = this.#check;
    this.#socket = socket;
    socket.on('data', this.#onData).on('end', this.#onEnd);
    socket.on('error', this.#onError).on('close', this.#onEnd);
    socket.write(handshakeRequest({ path, host, key: this.#key, headers }), 'latin1');
  }

  readonly #onData = (bytes: Buffer): void => {
    try {
      if (this.#banner) {
        this.#awaitBanner(this.#banner, bytes);
        return;
      }
      const answer = this.#reader.take(bytes);
      if (answer) this.#judge(answer);
    } catch (error) {
      this.#finish({ ok: false, detail: (error as Error).message });
    }
  };

  readonly #onEnd = (): void => {
    if (!this.#banner && !this.#reader.begun && this.#check.expect.close) {
      this.#finish({ ok: true, detail: 'the handshake was closed without an answer' });
      return;
    }
    this.#finish({ ok: false, detail: `it closed the connection before its ${this.#awaited()}` });
  };

  readonly #onError = (error: Error): void => {
    this.#finish({ ok: false, detail: error.message }, error);
  };

  #judge(answer: HandshakeAnswer): void {
    const { expect, banner } = this.#check;
    const { status } = answer;
    if (!includesStatus(expect.statuses, status)) throw new Error(`the handshake gave ${status}`);
    if (status !== 101) {
      if (banner) throw new Error(`the handshake gave ${status}, and no RFB banner with it`);
      this.#finish({ ok: true, detail: `the handshake gave ${status}` });
      return;
    }
    const fault = faultOfSwitch(answer, this.#key);
    if (fault) throw new Error(`the handshake gave ${fault}`);
    if (!banner) {
      this.#close('the handshake gave 101');
      return;
    }
    this.#banner = new BannerReader();
    this.#awaitBanner(this.#banner, answer.rest);
  }

  #awaitBanner(reader: BannerReader, bytes: Buffer): void {
    const banner = reader.take(bytes);
    if (banner !== undefined) this.#close(`the handshake gave 101 and ${banner}`);
  }

  #awaited(): string {
    return this.#banner ? 'RFB banner' : 'answer';
  }

  /** It is well: says good-bye, and leaves it to the backend to close (RFC 6455 §7.1.1). */
  #close(detail: string): void {
    const socket = this.#socket!;
    this.#detach(socket);
    clearTimeout(this.#timer);
    this.#resolve({ ok: true, detail });
    // What it still sends is dropped: with unread bytes the close would be a reset.
    socket.resume();
    const overdue = setTimeout(() => socket.destroy(), FAREWELL_MS);
    socket.once('end', () => socket.end()).once('close', () => clearTimeout(overdue));
    socket.write(CLOSE_FRAME);
  }

  #finish(result: CheckResult, error?: Error): void {
    clearTimeout(this.#timer);
    this.#giveUp();
    if (this.#socket) {
      this.#detach(this.#socket);
      this.#socket.destroy();
    }
    const unasked = error !== undefined && isOwnFault(error);
    const silent = !result.ok && !unasked && !this.#reader.begun;
    this.#resolve({ ...result, unasked, silent });
  }

  #detach(socket: Socket): void {
    socket.off('data', this.#onData).off('end', this.#onEnd);
    socket.off('error', this.#onError).off('close', this.#onEnd);
    // What follows an error is 'close'; the handler keeps it from being thrown.
    socket.on('error', () => {});
  }
}
