import type { Deadlined, Deadlines } from './deadlines.ts';
import type { RawConnection } from './raw-connection.ts';
import type { RelayCounters } from './relay-counters.ts';
import type { Termination } from './termination.ts';
import { type EndingSide, endBoth, type TunnelEnd, type TunnelSide } from './tunnel-ending.ts';
import { UptakeWatch } from './uptake.ts';
import { pingFrame, WebsocketFrames } from './websocket-frames.ts';

/** How long both sides may take to finish the frame under way and to answer a close frame, in ms. */
const ENDING_MS = 2_000;

// What the client of a backend that is gone is told (IANA, WebSocket Close Code Number Registry).
const STOPPED: TunnelEnd = {
  cause: 'stopped',
  code: 1012,
  reason: 'the console server was stopped',
};
const BROKEN: TunnelEnd = {
  cause: 'broken',
  code: 1014,
  reason: 'the connection to the console server broke',
};
const STALLED: TunnelEnd = {
  cause: 'stalled',
  code: 1014,
  reason: 'the console server takes nothing any more',
};
const IDLE: TunnelEnd = { cause: 'idle', code: 1001, reason: 'the console was idle for too long' };

const ENDINGS: ReadonlyMap<TunnelEnd, Termination> = new Map([
  [STOPPED, 'SD'],
  [BROKEN, 'SD'],
  [STALLED, 'sD'],
  [IDLE, 'cD'],
]);

export interface TunnelReport {
  /** Bytes from the client and from the backend. */
  readonly received: number;
  readonly sent: number;
  /** What the gateway ended it with; undefined where one of the sides ended it. */
  readonly end: TunnelEnd | undefined;
  readonly termination: Termination;
  /** The side that ended first. */
  readonly by: 'client' | 'backend';
}

export interface TunnelTimeouts {
  /** Silence of a tunnel, in both directions, in ms. */
  readonly tunnelMs: number;
  /** How long the client, or the backend, may take nothing of what waits for it. */
  readonly clientMs: number;
  readonly serverMs: number;
}

export interface TunnelContext {
  readonly deadlines: Deadlines;
  readonly counters: RelayCounters;
  readonly timeouts: TunnelTimeouts;
}

/** What came before there was a tunnel, and has been passed on. */
export interface EarlyBytes {
  readonly fromClient: Buffer;
  readonly fromBackend: Buffer;
}

/**
 * An upgraded connection: raw bytes in both directions, each with its own end. Where frames end is
 * kept track of, so that the gateway can put in frames of its own: close frames when it ends the
 * tunnel, and to the client of a backend that is gone. What ends with a close frame of one of the
 * sides, or is no websocket, passes as it is; when one side is gone, the other is ended as soon as
 * what is on its way has been written.
 */
export class Tunnel implements Deadlined {
  deadline: number;
  readonly #client: TunnelSide;
  readonly #backend: TunnelSide;
  readonly #context: TunnelContext;
  readonly #onClosed: (report: TunnelReport) => void;
  #received = 0;
  #sent = 0;
  #open = 2;
  /**
   * Whether client and backend take what is sent to them, watched while one is full or the other has ended.
   * A side that takes nothing is given up, whatever it sends. It holds up the other one, which is not read
   * meanwhile, so that its end would not be seen: it is given less time than silence.
   */
  readonly #down: UptakeWatch;
  readonly #up: UptakeWatch;
  /** The client has not been read all the time since it was last asked whether it is there. */
  #deaf = false;
  #end: TunnelEnd | undefined;
  #termination: Termination | undefined;
  /** The side that was the first to close, with a frame or without. */
  #by: 'client' | 'backend' | undefined;
  #ending: { readonly client: EndingSide; readonly backend: EndingSide } | undefined;

  constructor(
    client: RawConnection,
    backend: RawConnection,
    early: EarlyBytes,
    context: TunnelContext,
    onClosed: (report: TunnelReport) => void,
  ) {
    this.#client = sideOf(client, 'client');
    this.#backend = sideOf(backend, 'server');
    const { deadlines, timeouts } = context;
    const clientMs = Math.min(timeouts.clientMs, timeouts.tunnelMs);
    const serverMs = Math.min(timeouts.serverMs, timeouts.tunnelMs);
    this.#down = new UptakeWatch(client.sendQueue, deadlines, clientMs, () =>
      this.#onClientStuck(),
    );
    this.#up = new UptakeWatch(backend.sendQueue, deadlines, serverMs, () =>
      this.#onBackendStuck(),
    );
    this.#context = context;
    this.#onClosed = onClosed;
    this.#received = early.fromClient.length;
    this.#sent = early.fromBackend.length;
    context.counters.tunnelBytesIn += this.#received;
    context.counters.tunnelBytesOut += this.#sent;
    this.#client.frames.take(early.fromClient);
    this.#backend.frames.take(early.fromBackend);
    this.deadline = deadlines.in(timeouts.tunnelMs);
    deadlines.add(this);
    client.intake.take = this.#fromClient;
    backend.intake.take = this.#fromBackend;
    this.#join(this.#client, this.#backend);
    this.#join(this.#backend, this.#client);
    this.#client.socket.resume();
    this.#backend.socket.resume();
  }

  /** Bytes from the client so far. */
  get received(): number {
    return this.#received;
  }

  /** Bytes from the backend so far. */
  get sent(): number {
    return this.#sent;
  }

  readonly #fromClient = (bytes: Buffer): void => {
    this.#received += bytes.length;
    this.#context.counters.tunnelBytesIn += bytes.length;
    this.#pass(bytes, this.#client, this.#backend);
  };

  readonly #fromBackend = (bytes: Buffer): void => {
    this.#sent += bytes.length;
    this.#context.counters.tunnelBytesOut += bytes.length;
    this.#pass(bytes, this.#backend, this.#client);
  };

  /** Ends both sides with a close frame, for which they have `ENDING_MS`; cuts them after that. */
  end(end: TunnelEnd): void {
    if (this.#ending || this.#client.socket.destroyed) return;
    this.#down.stop();
    this.#up.stop();
    this.#end = end;
    this.#termination ??= ENDINGS.get(end) ?? 'KD';
    this.deadline = this.#context.deadlines.in(ENDING_MS);
    this.#ending = endBoth(this.#client, this.#backend, end);
  }

  /** Takes the client for gone, as it does not answer. */
  dropClient(): void {
    this.#termination ??= 'cD';
    this.#client.socket.destroy();
  }

  /** Whether an answer of the client may have come and not been read. */
  get deaf(): boolean {
    return this.#deaf;
  }

  /** Sends the client a ping; false where a frame is under way, none may follow, or no answer would be read. */
  ping(): boolean {
    const { socket, sendQueue } = this.#client;
    const { frames } = this.#backend;
    const isOver = this.#ending !== undefined || frames.closing || sendQueue.ended;
    if (isOver || !frames.atBoundary || sendQueue.full || socket.isPaused()) return false;
    this.#deaf = false;
    sendQueue.write('', pingFrame());
    return true;
  }

  onDeadline(): void {
    if (this.#ending) {
      this.#cut();
    } else if (this.#down.active || this.#up.active) {
      // It is slow, or stuck, which its watch tells.
      this.#rearm();
    } else if (this.#client.socket.readableEnded || this.#backend.socket.readableEnded) {
      this.#cutUnlessWaiting();
    } else {
      this.end(IDLE);
    }
  }

  /** One side has ended. What is left for the other may take it longer. */
  #cutUnlessWaiting(): void {
    const sides = [this.#client, this.#backend];
    const waiting = sides.filter(({ sendQueue }) => sendQueue.length > 0);
    for (const side of waiting) this.#watchOf(side).start();
    if (waiting.length > 0) this.#rearm();
    else this.#cut();
  }

  #watchOf(side: TunnelSide): UptakeWatch {
    return side === this.#client ? this.#down : this.#up;
  }

  #onClientStuck(): void {
    // It would not take a close frame either.
    this.#termination ??= 'cD';
    this.#cut();
  }

  #onBackendStuck(): void {
    this.#backend.socket.destroy();
    if (this.#client.socket.readableEnded) this.#cut();
    else this.end(STALLED);
  }

  #cut(): void {
    this.#client.socket.destroy();
    this.#backend.socket.destroy();
  }

  #pass(bytes: Buffer, from: TunnelSide, to: TunnelSide): void {
    if (this.#ending) {
      this.#endingOf(to).pass(bytes);
      this.#endingOf(from).heard();
      return;
    }
    from.frames.take(bytes);
    if (from.frames.closing) this.#by ??= this.#nameOf(from);
    to.sendQueue.write('', bytes);
    if (to.sendQueue.full) {
      from.socket.pause();
      this.#watchOf(to).start();
      this.#deaf ||= to === this.#backend;
    }
    this.#rearm();
  }

  /** A side whose other side has ended is given less time than silence. */
  #rearm(): void {
    const { deadlines, timeouts } = this.#context;
    let ms = timeouts.tunnelMs;
    if (this.#backend.socket.readableEnded) ms = Math.min(ms, timeouts.clientMs);
    if (this.#client.socket.readableEnded) ms = Math.min(ms, timeouts.serverMs);
    this.deadline = deadlines.in(ms);
  }

  #join(from: TunnelSide, to: TunnelSide): void {
    const onDrain = () => {
      this.#watchOf(to).stop();
      from.socket.resume();
      if (!this.#ending) this.#rearm();
    };
    to.sendQueue.onDrain = onDrain;
    from.socket.on('end', () => this.#onEnd(from, to));
    // What follows an error is 'close'; the handler keeps it from being thrown.
    from.socket.on('error', () => {});
    from.socket.on('close', () => this.#onClose(from, to));
  }

  /** A side will send no more. */
  #onEnd(from: TunnelSide, to: TunnelSide): void {
    this.#note(from);
    if (from === this.#backend && this.#mayTellClient()) this.end(STOPPED);
    else if (this.#ending) this.#lost(from, to);
    else {
      to.sendQueue.end();
      if (to.sendQueue.length > 0) this.#watchOf(to).start();
      this.#rearm();
    }
  }

  #onClose(from: TunnelSide, to: TunnelSide): void {
    this.#open -= 1;
    this.#watchOf(from).stop();
    this.#note(from);
    if (from === this.#backend && this.#open > 0 && this.#mayTellClient()) this.end(BROKEN);
    else if (this.#ending && from === this.#backend) this.#lost(from, to);
    else to.sendQueue.endSoon();
    if (this.#open > 0) return;
    this.#context.deadlines.remove(this);
    const [received, sent, end] = [this.#received, this.#sent, this.#end];
    const termination = this.#termination ?? '--';
    this.#onClosed({ received, sent, end, termination, by: this.#by ?? 'client' });
  }

  /** The side that is the first to go tells how it ends: in order only with a close frame. */
  #note(from: TunnelSide): void {
    const inOrder = this.#client.frames.closing || this.#backend.frames.closing;
    const broken: Termination = from === this.#client ? 'CD' : 'SD';
    this.#termination ??= inOrder ? '--' : broken;
    this.#by ??= this.#nameOf(from);
  }

  /** A side that is being ended sends no more, or is gone. */
  #lost(from: TunnelSide, to: TunnelSide): void {
    this.#endingOf(to).sourceEnded();
    this.#endingOf(from).heard();
  }

  #endingOf(side: TunnelSide): EndingSide {
    return this.#ending![this.#nameOf(side)];
  }

  #nameOf(side: TunnelSide): 'client' | 'backend' {
    return side === this.#client ? 'client' : 'backend';
  }

  /** The backend is gone without a word, between two frames of it, and the client did not leave. */
  #mayTellClient(): boolean {
    const { socket, frames: asked } = this.#client;
    const { frames } = this.#backend;
    if (this.#ending || asked.closing || socket.readableEnded) return false;
    return frames.atBoundary && !frames.closing;
  }
}

function sideOf({ sendQueue }: RawConnection, sender: 'client' | 'server'): TunnelSide {
  return { socket: sendQueue.socket, sendQueue, frames: new WebsocketFrames(sender) };
}
