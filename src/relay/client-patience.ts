import { BodyPace } from './body-pace.ts';
import type { Deadlined, Deadlines } from './deadlines.ts';
import type { DownstreamTimeouts } from './downstream-context.ts';
import type { SendQueue } from './send-queue.ts';
import { UptakeWatch } from './uptake.ts';

/** How long a client may go on sending after our side was closed, in ms. */
const LINGER_MS = 2_000;

/** Told when a client has been waited for long enough. */
export interface Impatient {
  /** What was awaited has not come. */
  onOverdue(): void;
  /** It takes nothing of what waits for it. */
  onStuck(): void;
}

/** What a client is waited for, one thing at a time, and for how long; and whether it takes what it is sent. */
export class ClientPatience implements Deadlined {
  deadline = Number.POSITIVE_INFINITY;
  readonly #sendQueue: SendQueue;
  readonly #deadlines: Deadlines;
  readonly #timeouts: DownstreamTimeouts;
  readonly #owner: Impatient;
  readonly #pace: BodyPace;
  /** From when the client was first slow to take an answer. */
  #uptake: UptakeWatch | undefined;

  constructor(
    sendQueue: SendQueue,
    deadlines: Deadlines,
    timeouts: DownstreamTimeouts,
    owner: Impatient,
  ) {
    this.#sendQueue = sendQueue;
    this.#deadlines = deadlines;
    this.#timeouts = timeouts;
    this.#owner = owner;
    this.#pace = new BodyPace(timeouts.clientMs, timeouts.bodyRate);
    deadlines.add(this);
  }

  /** The whole of a head. */
  awaitHead(): void {
    this.deadline = this.#deadlines.in(this.#timeouts.headerMs);
  }

  /** The first byte of the next request. */
  awaitRequest(): void {
    this.deadline = this.#deadlines.in(this.#timeouts.keepAliveMs);
  }

  /** A body is to come. */
  beginBody(): void {
    this.#pace.begin();
  }

  /** So much of it has come. */
  bodyCame(bytes: number): void {
    this.#pace.came(this.#deadlines.now, bytes);
  }

  /** More of it. */
  awaitBody(): void {
    this.deadline = this.#deadlines.in(this.#pace.wait(this.#deadlines.now));
  }

  /** Any sign of it. */
  awaitSign(): void {
    this.deadline = this.#deadlines.in(this.#timeouts.clientMs);
  }

  /** The end of what it still sends after ours. */
  awaitEnd(): void {
    this.deadline = this.#deadlines.in(LINGER_MS);
  }

  /** It is somebody else who is waited for. */
  awaitNothing(): void {
    this.deadline = Number.POSITIVE_INFINITY;
  }

  /** Beside what is awaited, that it takes what waits for it: from now on until `unwatchUptake`. */
  watchUptake(): void {
    this.#uptake ??= new UptakeWatch(
      this.#sendQueue,
      this.#deadlines,
      this.#timeouts.clientMs,
      () => this.#owner.onStuck(),
    );
    this.#uptake.start();
  }

  unwatchUptake(): void {
    this.#uptake?.stop();
  }

  /** Waits for nothing, for good. */
  end(): void {
    this.unwatchUptake();
    this.#deadlines.remove(this);
  }

  onDeadline(): void {
    this.#owner.onOverdue();
  }
}
