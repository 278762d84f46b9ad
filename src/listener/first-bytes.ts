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
 * the socket, which may last for days. It is one that closes when its client ends (no `allowHalfOpen`), and
 * whose errors somebody listens to.
 */
export function readFirstBytes<T>(socket: Socket, options: FirstBytesOptions<T>): void {
  const { decide, timeoutMs, onDecided, onFailed } = options;
  let bytes: Buffer | undefined;
  const timer = setTimeout(() => fail(`said too little within ${timeoutMs} ms`), timeoutMs);

  function onData(chunk: Buffer): void {
    bytes = bytes ? Buffer.concat([bytes, chunk]) : chunk;
    let decision: Decision<T> | undefined;
    try {
      decision = decide(bytes);
    } catch (error) {
      fail(messageOf(error));
      return;
    }
    if (!decision) return;
    leave();
    socket.pause();
    const rest = decision.length > 0 ? bytes.subarray(decision.length) : bytes;
    if (rest.length > 0) socket.unshift(rest);
    onDecided(decision.value);
  }

  function onClose(): void {
    fail(socket.errored?.message ?? 'closed too early');
  }

  function fail(detail: string): void {
    leave();
    onFailed(detail);
    socket.destroy();
  }

  function leave(): void {
    clearTimeout(timer);
    socket.off('data', onData);
    socket.off('close', onClose);
  }

  socket.on('data', onData);
  socket.on('close', onClose);
  socket.resume();
}
