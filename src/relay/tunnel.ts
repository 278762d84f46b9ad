import type { Socket } from 'node:net';
import { endSoon } from '../farewell.ts';
import type { Deadlined, Deadlines } from './deadlines.ts';
import type { Upstream } from './upstream-connection.ts';
import { type WriteBuffers, writeAndFree } from './write-buffers.ts';

/** TCP asks a peer that has been silent this long, in ms, whether it is still there. */
const KEEP_ALIVE_MS = 60_000;

export interface TunnelReport {
  /** Bytes from the client and from the backend. */
  readonly received: number;
  readonly sent: number;
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
  readonly buffers: WriteBuffers;
  readonly timeouts: TunnelTimeouts;
}

/**
 * An upgraded connection: raw bytes in both directions, each with its own end. When one side is
 * gone the other is ended as soon as what is on its way has been written; both end after `tunnelMs`
 * without a byte in either direction.
 */
export class Tunnel implements Deadlined {
  deadline: number;
  readonly #downstream: Socket;
  readonly #upstream: Socket;
  readonly #context: TunnelContext;
  readonly #onClosed: (report: TunnelReport) => void;
  #received = 0;
  #sent = 0;
  #open = 2;
  /** Bytes that waited to be sent when the deadline was set. */
  #unsent = 0;

  constructor(
    downstream: Socket,
    { socket: upstream, intake }: Upstream,
    context: TunnelContext,
    onClosed: (report: TunnelReport) => void,
  ) {
    this.#downstream = downstream;
    this.#upstream = upstream;
    this.#context = context;
    this.#onClosed = onClosed;
    this.deadline = context.deadlines.in(context.timeouts.tunnelMs);
    context.deadlines.add(this);
    downstream.on('data', (chunk: Buffer) => {
      this.#received += chunk.length;
      writeAndFree(upstream, chunk);
      this.#passed(downstream, upstream);
    });
    intake.take = (bytes) => {
      this.#sent += bytes.length;
      context.buffers.write(downstream, '', bytes);
      this.#passed(upstream, downstream);
    };
    this.#join(downstream, upstream);
    this.#join(upstream, downstream);
    downstream.resume();
    upstream.resume();
  }

  /** Ends both sides once what is on its way has been written. */
  close(): void {
    endSoon(this.#downstream);
    endSoon(this.#upstream);
  }

  onDeadline(): void {
    const unsent = this.#downstream.writableLength + this.#upstream.writableLength;
    if (unsent < this.#unsent) {
      // Slow, but it does take what is sent.
      this.#rearm();
      return;
    }
    // Not `close`: a side that does not read would never take what is on its way.
    this.#downstream.destroy();
    this.#upstream.destroy();
  }

  #passed(from: Socket, to: Socket): void {
    if (to.writableNeedDrain) from.pause();
    this.#rearm();
  }

  /**
   * A side that takes nothing holds up the other one, which is not read meanwhile: its end would not
   * be seen. So such a side is given less time than silence.
   */
  #rearm(): void {
    const { deadlines, timeouts } = this.#context;
    this.#unsent = this.#downstream.writableLength + this.#upstream.writableLength;
    let ms = timeouts.tunnelMs;
    if (this.#downstream.writableNeedDrain) ms = Math.min(ms, timeouts.clientMs);
    if (this.#upstream.writableNeedDrain) ms = Math.min(ms, timeouts.serverMs);
    this.deadline = deadlines.in(ms);
  }

  #join(from: Socket, to: Socket): void {
    from.setKeepAlive(true, KEEP_ALIVE_MS);
    to.on('drain', () => {
      from.resume();
      this.#rearm();
    });
    from.on('end', () => to.end());
    // What follows an error is 'close'; the handler keeps it from being thrown.
    from.on('error', () => {});
    from.on('close', () => {
      endSoon(to);
      this.#open -= 1;
      if (this.#open > 0) return;
      this.#context.deadlines.remove(this);
      this.#onClosed({ received: this.#received, sent: this.#sent });
    });
  }
}
