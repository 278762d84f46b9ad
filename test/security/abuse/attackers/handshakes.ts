import { createSecureContext } from 'node:tls';
import { clientHello } from '../../../support/client-hello.ts';
import type { Attacker } from './order.ts';
import { closed } from './wire.ts';

/** How often each connection shakes hands, in ms. */
const EVERY_MS = 2_000;
// In TLS 1.2 the curve of an ECDSA certificate has to be among those that the client knows.
const TLS_1_2 = createSecureContext({ maxVersion: 'TLSv1.2', ecdhCurve: 'X25519:P-256' });

/** Full handshakes, each closed at once. */
export function shakeHands(attacker: Attacker): void {
  attacker.repeat(EVERY_MS, (lane) => {
    const socket = attacker.tls(lane, attacker.order.portal);
    socket.once('secureConnect', () => {
      attacker.did();
      socket.end();
    });
    socket.resume();
    return closed(socket);
  });
}

/** A ClientHello that makes the server work, and a reset at its first answer. */
export function abortHandshakes(attacker: Attacker): void {
  const hello = clientHello();
  attacker.repeat(EVERY_MS, async (lane) => {
    const socket = attacker.tcp(lane, attacker.order.portal);
    socket.write(await hello);
    socket.once('data', () => {
      attacker.did();
      socket.resetAndDestroy();
    });
    return closed(socket);
  });
}

/** Half of a ClientHello on each connection, and nothing more. */
export function stopInHello(attacker: Attacker): void {
  void clientHello().then((hello) => {
    for (let n = 0; n < attacker.order.connections; n += 1) {
      const socket = attacker.tcp(n, attacker.order.portal);
      socket.write(hello.subarray(0, hello.length / 2), () => attacker.did());
      socket.resume();
    }
  });
}

/** Shakes hands by TLS 1.2, and asks for another handshake on the same connection. */
export function renegotiate(attacker: Attacker): void {
  attacker.repeat(EVERY_MS, (lane) => {
    const socket = attacker.tls(lane, attacker.order.portal, TLS_1_2);
    socket.once('secureConnect', () => {
      attacker.did();
      socket.renegotiate({ rejectUnauthorized: false }, (error) => {
        if (!error) attacker.fault('a renegotiation was carried out');
        socket.destroy();
      });
    });
    socket.resume();
    return closed(socket);
  });
}
