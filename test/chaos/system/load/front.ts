import type { Socket } from 'node:net';
import type { Gateway } from '../cluster/gateway.ts';

/**
 * The two addresses of the front door, as clients know it. Each belongs to a gateway, and moves to the
 * other one while that is away: half of the users have the one, half the other.
 */
export class Front {
  readonly #gateways: readonly [Gateway, Gateway];
  readonly #away = new Set<Gateway>();
  readonly #sockets = new Map<Gateway, Set<Socket>>();

  constructor(gateways: readonly [Gateway, Gateway]) {
    this.#gateways = gateways;
    for (const gateway of gateways) this.#sockets.set(gateway, new Set());
  }

  /** Who has the address of that user now. */
  gatewayOf(user: number): Gateway {
    const own = this.#gateways[user % 2]!;
    return this.#away.has(own) ? this.#gateways[(user + 1) % 2]! : own;
  }

  /** A client's connection to a gateway. */
  track(gateway: Gateway, socket: Socket): void {
    const sockets = this.#sockets.get(gateway)!;
    if (sockets.has(socket)) return;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  }

  /** The address of a gateway moves to the other one, which resets what it knows nothing of. */
  moveAway(gateway: Gateway): void {
    this.#away.add(gateway);
    for (const socket of this.#sockets.get(gateway)!) socket.destroy(new Error(MOVED));
  }

  /** It has its address again; what goes through the other one goes on there. */
  moveBack(gateway: Gateway): void {
    this.#away.delete(gateway);
  }
}

const MOVED = 'reset by the new owner of the address';
