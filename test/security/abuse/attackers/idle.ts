import type { Attacker } from './order.ts';
import { get } from './wire.ts';

/** Connects, and leaves it at that. */
export function sayNothing(attacker: Attacker): void {
  for (let n = 0; n < attacker.order.connections; n += 1) {
    attacker.tcp(n, attacker.order.portal).once('connect', () => attacker.did());
  }
}

/** Connects, shakes hands, and leaves it at that. */
export function sayNothingSecured(attacker: Attacker): void {
  for (let n = 0; n < attacker.order.connections; n += 1) {
    const socket = attacker.tls(n, attacker.order.portal);
    socket.once('secureConnect', () => attacker.did());
    // Without a reader the end of the stream would not be seen, and our side not be closed.
    socket.resume();
  }
}

/** Sends one request, takes the answer and keeps the connection. */
export function idleAfterRequest(attacker: Attacker): void {
  const { connections, portal } = attacker.order;
  for (let n = 0; n < connections; n += 1) {
    const socket = attacker.tls(n, portal);
    socket.once('data', () => attacker.did());
    socket.resume();
    socket.write(get('/1k'));
  }
}
