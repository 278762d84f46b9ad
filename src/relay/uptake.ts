import type { Socket } from 'node:net';
import type { Deadlined, Deadlines } from './deadlines.ts';
import type { SendQueue } from './send-queue.ts';

/** What of Node's native sockets is meant here; that of TLS has the one of TCP below it. */
interface Handle {
  readonly writeQueueSize?: number;
  readonly _parent?: Handle;
}

/** Whether a peer takes what is sent to it, however slowly. */
export class Uptake {
  readonly #sendQueue: SendQueue;
  #length = 0;
  #queued = 0;

  constructor(sendQueue: SendQueue) {
    this.#sendQueue = sendQueue;
  }

  /** Something waits to be taken. */
  get waits(): boolean {
    return this.#sendQueue.length > 0;
  }

  /** Has `moved` compare with what waits at this moment. */
  note(): void {
    this.#length = this.#sendQueue.length;
    this.#queued = queuedBy(this.#sendQueue.socket);
  }

  /** Whether something of what waited has been taken since. */
  get moved(): boolean {
    const { length, socket } = this.#sendQueue;
    return length < this.#length || queuedBy(socket) < this.#queued;
  }
}

/** How often it is looked within the time that a peer has: so much of it passes unnoticed at most. */
const LOOKS = 20;

/** Gives up a peer that takes nothing for too long, from `start` to `stop`. */
export class UptakeWatch implements Deadlined {
  deadline = Number.POSITIVE_INFINITY;
  readonly #uptake: Uptake;
  readonly #deadlines: Deadlines;
  readonly #ms: number;
  readonly #onStuck: () => void;
  /** When the peer was last seen to take something, or the watch began. */
  #movedAt = 0;

  /** @param ms how long a peer may take nothing while something waits */
  constructor(sendQueue: SendQueue, deadlines: Deadlines, ms: number, onStuck: () => void) {
    this.#uptake = new Uptake(sendQueue);
    this.#deadlines = deadlines;
    this.#ms = ms;
    this.#onStuck = onStuck;
  }

  /** It has begun, and is not over. */
  get active(): boolean {
    return this.deadline !== Number.POSITIVE_INFINITY;
  }

  /** Begins; where it has begun, its time goes on. */
  start(): void {
    if (this.active) return;
    this.#moved();
    this.#deadlines.add(this);
  }

  stop(): void {
    this.deadline = Number.POSITIVE_INFINITY;
    this.#deadlines.remove(this);
  }

  onDeadline(): void {
    if (!this.#uptake.waits) this.stop();
    else if (this.#uptake.moved) this.#moved();
    else if (this.#deadlines.now - this.#movedAt < this.#ms) this.#lookAgain();
    else {
      this.stop();
      this.#onStuck();
    }
  }

  #moved(): void {
    this.#movedAt = this.#deadlines.now;
    this.#lookAgain();
  }

  #lookAgain(): void {
    this.#uptake.note();
    this.deadline = this.#deadlines.in(this.#ms / LOOKS);
  }
}

/**
 * Bytes of the write under way that the kernel has not taken. Node counts a write as one, which may be a
 * large one, and looks here itself to tell a slow peer from one that stands still (lib/net.js).
 */
function queuedBy(socket: Socket): number {
  const handle = (socket as { readonly _handle?: Handle | null })._handle;
  return (handle?._parent ?? handle)?.writeQueueSize ?? 0;
}
