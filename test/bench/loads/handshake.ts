import { connect, createSecureContext } from 'node:tls';
import { closedLoop, Meter } from './meter.ts';
import type { Session } from './workload.ts';

const SIDE_BY_SIDE = 16;
const DEADLINE_MS = 10_000;

/**
 * Connections with a full TLS handshake each and no request: opened, shaken hands, closed. The
 * unit ends when the server has closed, which it does after it has worked through the handshake.
 */
export function handshakeSession(port: number): Session {
  // Left to itself, Node's client brings X25519MLKEM768, which only proxies on OpenSSL 3.5 take up:
  // they would do the work of two key exchanges where the others do that of one.
  const secureContext = createSecureContext({ ecdhCurve: 'X25519' });
  return {
    run: async (seconds) => {
      const meter = new Meter(seconds);
      await closedLoop(meter, SIDE_BY_SIDE, () => shakeHands(port, secureContext));
      return meter.outcome();
    },
    close: async () => {},
  };
}

function shakeHands(
  port: number,
  secureContext: ReturnType<typeof createSecureContext>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let shaken = false;
    const socket = connect({
      host: '127.0.0.1',
      port,
      secureContext,
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
    });
    socket.setTimeout(DEADLINE_MS, () => socket.destroy(new Error('no TLS handshake within 10 s')));
    socket.once('secureConnect', () => {
      shaken = true;
      if (socket.isSessionReused()) socket.destroy(new Error('the TLS session was resumed'));
      else socket.end();
    });
    socket.once('error', reject);
    socket.once('close', () => {
      if (shaken) resolve();
      else reject(new Error('closed before the TLS handshake was done'));
    });
    // Without a reader the end of the stream would not be seen.
    socket.resume();
  });
}
