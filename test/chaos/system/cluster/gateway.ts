import type { Child } from '../../../support/children.ts';
import { freePorts } from '../../../support/free-port.ts';
import type { GatewayPorts, Peer, PeerSetup } from '../peers/peer.ts';

/** One of the two gateways. */
export class Gateway {
  readonly name: string;
  readonly ports: GatewayPorts;
  readonly #peer: Peer;
  readonly #setup: PeerSetup;
  #child: Child;

  static async start(peer: Peer, setup: PeerSetup, number: number): Promise<Gateway> {
    const [portal, console, admin] = (await freePorts(3)) as [number, number, number];
    const ports = { portal, console, admin };
    const child = await peer.start(setup, ports);
    return new Gateway(`gateway-${number}`, peer, setup, ports, child);
  }

  private constructor(
    name: string,
    peer: Peer,
    setup: PeerSetup,
    ports: GatewayPorts,
    child: Child,
  ) {
    this.name = name;
    this.#peer = peer;
    this.#setup = setup;
    this.ports = ports;
    this.#child = child;
  }

  get pid(): number {
    return this.#child.pid;
  }

  kill(): Promise<void> {
    return this.#child.kill();
  }

  async restart(): Promise<void> {
    this.#child = await this.#peer.start(this.#setup, this.ports);
  }

  pause(): void {
    this.#child.signal('SIGSTOP');
  }

  resume(): void {
    this.#child.signal('SIGCONT');
  }

  /** Has it read its configuration anew. */
  reload(): void {
    process.kill(this.pid, this.#peer.reloadSignal);
  }

  well(): Promise<boolean> {
    return this.#peer.well(this.ports);
  }

  /** Its processes that may fail alone. */
  async workers(): Promise<readonly number[]> {
    return (await this.#peer.workers?.(this.ports)) ?? [];
  }
}

/** Makes the two of them. */
export async function startGateways(
  peer: Peer,
  setup: PeerSetup,
): Promise<readonly [Gateway, Gateway]> {
  return [await Gateway.start(peer, setup, 1), await Gateway.start(peer, setup, 2)];
}
