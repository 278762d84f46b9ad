import { renameSync, writeFileSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type TLSSocket } from 'node:tls';
import { type Attack, addressOf, type Deeds, type Target } from '../attack.ts';

/** What a process that attacks is to do. */
export interface Order extends Target {
  readonly name: string;
  readonly addresses: Attack['addresses'];
}

const SHOWN_FAULTS = 5;
// Left to itself Node's client brings a key exchange that only Dashgate's OpenSSL takes up: the others
// would be spared half of the work.
const MODERN = createSecureContext({ ecdhCurve: 'X25519' });

/** The connections of an attack, and what it has done. */
export class Attacker {
  readonly order: Order;
  readonly #faults = new Set<string>();
  readonly #sockets = new Set<Socket>();
  #done = 0;
  #stopped = false;

  constructor(order: Order) {
    this.order = order;
  }

  did(count = 1): void {
    this.#done += count;
  }

  /** A proxy did what no proxy may do. */
  fault(what: string): void {
    if (this.#faults.size < SHOWN_FAULTS) this.#faults.add(what);
  }

  get deeds(): Deeds {
    return { done: this.#done, faults: [...this.#faults] };
  }

  /** Writes down what it has done so far. */
  report(): void {
    // At once: somebody may read it at any time.
    writeFileSync(`${this.order.report}.new`, JSON.stringify(this.deeds));
    renameSync(`${this.order.report}.new`, this.order.report);
  }

  /** Does nothing more, and leaves without a word. */
  stop(): void {
    this.#stopped = true;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** The n-th connection, from its address; what goes wrong with it is seen as 'close'. */
  tcp(n: number, port: number): Socket {
    const localAddress = addressOf(n, this.order.addresses);
    const socket = connectTcp({ host: '127.0.0.1', port, localAddress, noDelay: true });
    this.#sockets.add(socket);
    return socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
  }

  /** The same, secured. */
  tls(n: number, port: number, secureContext = MODERN): TLSSocket {
    const socket = connectTls({
      socket: this.tcp(n, port),
      secureContext,
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
    });
    return socket.on('error', () => {});
  }

  /**
   * Has as many lanes as there are connections do something every `everyMs`, or when it is done where
   * that takes longer; they begin one after the other within that time.
   */
  repeat(everyMs: number, what: (lane: number) => Promise<void>): void {
    const { connections } = this.order;
    for (let lane = 0; lane < connections; lane += 1) {
      const again = async () => {
        if (this.#stopped) return;
        const began = performance.now();
        await what(lane);
        setTimeout(again, Math.max(0, began + everyMs - performance.now()));
      };
      setTimeout(again, (everyMs * lane) / connections);
    }
  }
}
