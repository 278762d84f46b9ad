import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ConnectionOptions, connect } from 'node:tls';

/** One request of a client that may resume an earlier session. */
export interface Visit {
  readonly resumed: boolean;
  /** What the next one can resume. */
  readonly session: Buffer;
}

/** Sends a request on a connection of its own; any certificate will do. */
export async function visit(
  port: number,
  session?: Buffer,
  options: ConnectionOptions = {},
): Promise<Visit> {
  const socket = connect({
    host: '127.0.0.1',
    port,
    rejectUnauthorized: false,
    ...options,
    ...(session ? { session } : {}),
  });
  let last: Buffer | undefined;
  let resumed = false;
  socket.once('secureConnect', () => {
    resumed = socket.isSessionReused();
  });
  socket.on('session', (given) => {
    last = given;
  });
  socket.write('GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  socket.resume();
  await once(socket, 'close');
  const kept = last ?? session;
  assert.ok(kept, 'it was given something to resume by');
  return { resumed, session: kept };
}
