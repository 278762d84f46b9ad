import type { Socket } from 'node:net';
import { endSoon } from '../farewell.ts';

/**
 * Ties the two legs of an upgraded connection together: when one is gone the other is ended as
 * soon as what is on its way has been written, an error on either never escapes, and both end
 * after `idleMs` without a byte in either direction (every byte passes the downstream leg).
 */
export function joinTunnel(downstream: Socket, upstream: Socket, idleMs: number): void {
  // What follows an error is 'close'; the handlers keep it from being thrown.
  downstream.on('error', () => {});
  upstream.on('error', () => {});
  downstream.once('close', () => endSoon(upstream));
  upstream.once('close', () => endSoon(downstream));
  for (const leg of [downstream, upstream]) {
    leg.setKeepAlive(true, 60_000);
    leg.setNoDelay(true);
  }
  downstream.setTimeout(idleMs, () => {
    downstream.destroy();
    upstream.destroy();
  });
}
