import type { Socket } from 'node:net';
import { messageOf } from '../errors.ts';

/** What the first bytes of a connection were found to be. */
export interface Decision<T> {
  readonly value: T;
  /** How many of the bytes are used up; the others stay to be read. */
  readonly length: number;
}

export interface FirstBytesOptions<T> {
  /** Undefined: more has to come. It bounds how much that can be. An error is a failure. */
  readonly decide: (bytes: Buffer) => Decision<T> | undefined;
  /** Longest wait for the decision, in ms. */
  readonly timeoutMs: number;
  /** The socket stands still, with nothing lost, for whoever reads it next. */
  readonly onDecided: (value: T) => void;
  /** The connection is ended; `detail` is one phrase. */
  readonly onFailed: (detail: string) => void;
}

/**
 * Reads from a connection until it is decided how to go on with it. Once it is, nothing of this is kept by
 * the socket, which may last for days.
 */
export function readFirstBytes<T>(socket: Socket, options: FirstBytesOptions<T>): void {
  const { decide, timeoutMs, onDecided, onFailed } = options;
  let bytes = Buffer.alloc(0);
  const timer = setTimeout(() => fail(`said too little within ${timeoutMs} ms`), timeoutMs);
  const listeners = { data: onData, end: onEnd, error: onError, close: onClose };

  function onData(chunk: Buffer): void {
    bytes = Buffer.concat([bytes, chunk]);
    let decision: Decision<T> | undefined;
    try {
      decision = decide(bytes);
    } catch (error) {
      fail(messageOf(error));
      return;
    }
    if (!decision) return;
    clearTimeout(timer);
    for (const [event, listener] of Object.entries(listeners)) socket.off(event, listener);
    socket.pause();
    const rest = bytes.subarray(decision.length);
    if (rest.length > 0) socket.unshift(rest);
    onDecided(decision.value);
  }

  function onEnd(): void {
    fail('closed too early');
  }

  function onError(error: Error): void {
    fail(error.message);
  }

  function onClose(): void {
    clearTimeout(timer);
  }

  function fail(detail: string): void {
    clearTimeout(timer);
    onFailed(detail);
    socket.destroy();
  }

  for (const [event, listener] of Object.entries(listeners)) socket.on(event, listener);
  socket.resume();
}
