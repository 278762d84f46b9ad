import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import type { BackendAddress } from '../upstream/backend-address.ts';
import { dialBackend } from '../upstream/backend-socket.ts';
import { type ClockReading, readingOf } from './clocks.ts';

/**
 * The clock of a backend, by the Date of its answer to HEAD / (RFC 9110 §6.6.1), whatever its status;
 * undefined where it tells none. Never rejects.
 */
export function clockOf(
  backend: BackendAddress,
  host: string,
  timeoutMs: number,
): Promise<ClockReading | undefined> {
  return new Promise((resolve) => {
    let sentMs = Date.now();
    const outgoing = request({
      createConnection: (_options, onSocket) => {
        dialBackend(backend, undefined, timeoutMs).then(
          (socket) => {
            sentMs = Date.now();
            onSocket(null, socket);
          },
          // Node looks at the error alone.
          (error: Error) => onSocket(error, undefined as unknown as Duplex),
        );
        return undefined;
      },
      method: 'HEAD',
      path: '/',
      headers: { host, 'user-agent': 'dashgate-doctor' },
      signal: AbortSignal.timeout(timeoutMs),
    });
    const finish = (date?: string) => {
      const shownMs = date === undefined ? Number.NaN : Date.parse(date);
      resolve(Number.isNaN(shownMs) ? undefined : readingOf(shownMs, sentMs, Date.now()));
      outgoing.destroy();
    };
    outgoing.on('response', (response) => finish(response.headers.date));
    outgoing.on('upgrade', (_response, socket) => {
      socket.destroy();
      finish();
    });
    outgoing.on('error', () => finish());
    outgoing.end();
  });
}
