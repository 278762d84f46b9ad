import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { SendQueue } from './send-queue.ts';
import { closeFrame, type WebsocketFrames } from './websocket-frames.ts';

/** By what a tunnel ended: a side of it, or a cause for which the gateway ends it. */
export const TUNNEL_CAUSES = [
  'client',
  'backend',
  'stopped',
  'broken',
  'stalled',
  'idle',
  'drained',
  'retired',
  'operator',
  'overtime',
] as const;

export type TunnelCause = (typeof TUNNEL_CAUSES)[number];

/** Why the gateway ends a tunnel: what both sides are told in a close frame (RFC 6455 §7.4). */
export interface TunnelEnd {
  readonly cause: TunnelCause;
  readonly code: 1001 | 1008 | 1012 | 1014;
  /** At most 123 bytes, for whoever looks into the browser's console, and for the log. */
  readonly reason: string;
}

/** One end of a tunnel, and the frames that come from it. */
export interface TunnelSide {
  readonly socket: Socket;
  readonly sendQueue: SendQueue;
  readonly frames: WebsocketFrames;
}

/**
 * One side of a tunnel that the gateway ends (RFC 6455 §7.1.2): the frame under way to it is
 * completed, then comes a close frame, and when its own has come back, or cannot, the end of TCP.
 * Whoever owns it gives both sides a deadline.
 */
export class EndingSide {
  readonly #side: TunnelSide;
  /** The other side, which sends what this one gets. */
  readonly #source: TunnelSide;
  readonly #frame: Buffer;
  /** Nothing goes to it any more: it has its close frame, or cannot be given one. */
  #told = false;
  #over = false;

  constructor(side: TunnelSide, source: TunnelSide, frame: Buffer) {
    this.#side = side;
    this.#source = source;
    this.#frame = frame;
  }

  /** Begins, with the close frame itself where no other frame is under way. */
  start(): void {
    const { frames, socket } = this.#source;
    if (this.#side.socket.destroyed) {
      this.#told = true;
      this.#over = true;
      // What was held up for it is dropped, up to the close frame behind it.
      socket.resume();
      return;
    }
    if (frames.atBoundary) this.#tell();
    else if (frames.lost || socket.readableEnded || socket.destroyed) this.sourceEnded();
    this.heard();
  }

  /** Bytes for this side: what belongs to the frame under way is passed, the rest is dropped. */
  pass(bytes: Buffer): void {
    const { frames, socket: source } = this.#source;
    if (this.#told) {
      frames.take(bytes);
      return;
    }
    const end = frames.takeToBoundary(bytes);
    this.#side.sendQueue.write('', bytes.subarray(0, end));
    if (frames.atBoundary) {
      this.#tell();
      frames.take(bytes.subarray(end));
      this.heard();
    } else if (this.#side.sendQueue.full) {
      source.pause();
    }
  }

  /** Nothing more comes for this side: into a frame that will not be completed none can be put. */
  sourceEnded(): void {
    if (this.#told) return;
    this.#told = true;
    this.#finish();
  }

  /** This side has sent something, or has ended: it may have been its close frame. */
  heard(): void {
    const { frames, socket } = this.#side;
    if (!this.#told) return;
    const answered = frames.lost || (frames.closing && frames.atBoundary);
    if (answered || socket.readableEnded) this.#finish();
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#side.sendQueue.endSoon();
  }

  #tell(): void {
    this.#told = true;
    // Who has closed already sends nothing else (§5.5.1), and that has been passed on; nothing follows our end.
    if (!this.#source.frames.closing) this.#side.sendQueue.write('', this.#frame);
  }
}

/** Begins to end both sides of a tunnel. */
export function endBoth(
  client: TunnelSide,
  backend: TunnelSide,
  { code, reason }: TunnelEnd,
): { readonly client: EndingSide; readonly backend: EndingSide } {
  const toClient = closeFrame(code, reason);
  const toBackend = closeFrame(code, reason, randomBytes(4));
  const ending = {
    client: new EndingSide(client, backend, toClient),
    backend: new EndingSide(backend, client, toBackend),
  };
  ending.client.start();
  ending.backend.start();
  return ending;
}
