import type { CacheNode } from './cache-node.ts';
import { markOf } from './cas-token.ts';
import { NodeContact } from './node-contact.ts';

/** A node that the gateway is connected to. */
export interface Member {
  readonly address: string;
  readonly node: CacheNode;
  readonly contact: NodeContact;
  /** Tokens name a node by it. */
  readonly mark: number;
}

/** The nodes that the gateway is connected to: those that it needs at the time. */
export class Members {
  readonly #connect: (address: string) => CacheNode;
  #members: readonly Member[] = [];

  constructor(connect: (address: string) => CacheNode) {
    this.#connect = connect;
  }

  /** In the order in which they came. */
  get all(): readonly Member[] {
    return this.#members;
  }

  get(address: string): Member | undefined {
    return this.#members.find((member) => member.address === address);
  }

  /** Connects to the nodes that are new, and lets go of those that are not named. */
  keep(addresses: readonly string[]): void {
    for (const { address, node } of this.#members) if (!addresses.includes(address)) node.close();
    const kept = this.#members.filter(({ address }) => addresses.includes(address));
    for (const address of addresses) {
      if (kept.some((member) => member.address === address)) continue;
      const node = this.#connect(address);
      kept.push({ address, node, contact: new NodeContact(), mark: markOf(address) });
    }
    this.#members = kept;
  }

  close(): void {
    for (const { node } of this.#members) node.close();
  }
}
