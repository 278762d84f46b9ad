import type { ProtocolError } from '../memcached/client.ts';
import type { CacheNode } from './cache-node.ts';
import type { Follower, Storing } from './follower.ts';
import type { Place } from './place.ts';
import type { Replicas } from './replicas.ts';
import type { Entry } from './view-document.ts';
import type { Applied, Writer } from './writer.ts';

/**
 * One `add`: the first full owner decides, and what it took is passed on as an `add`, too. An
 * owner that has the item then shows that the first had lost it, and the answer is no; what was
 * stored meanwhile is withdrawn.
 */
export class AddCommand {
  readonly #replicas: Replicas;
  readonly #writer: Writer;
  readonly #follower: Follower;
  readonly #item: Storing;
  /**
   * Nodes that may have taken the item, whether they said so or not. Where there is one, any other
   * may have it as well, by being refilled.
   */
  readonly #tried = new Set<CacheNode>();

  constructor(replicas: Replicas, writer: Writer, follower: Follower, item: Storing) {
    this.#replicas = replicas;
    this.#writer = writer;
    this.#follower = follower;
    this.#item = item;
  }

  readonly #owners = () => this.#replicas.ownersOf(this.#item.key).all;

  async run(): Promise<'STORED' | 'NOT_STORED'> {
    const { key } = this.#item;
    const decision = await this.#writer.decide(key, ({ node }) => this.#add(node));
    if (decision === undefined) return 'NOT_STORED';
    if (!decision.answer) return this.#refuse([decision.place.node]);
    const refusing = await this.#passOn(decision.applied);
    return refusing.length === 0 ? 'STORED' : this.#refuse(refusing);
  }

  /** Whether the node has the item of this command now. */
  async #add(node: CacheNode): Promise<boolean> {
    const again = this.#tried.size > 0;
    this.#tried.add(node);
    const { key, value, flags, exptime } = this.#item;
    if (await node.store('add', key, value, flags, exptime)) return true;
    return again && this.#follower.has(this.#item, node);
  }

  /** The owners that have another item. */
  async #passOn(applied: Applied): Promise<readonly CacheNode[]> {
    const answers = await this.#writer.apply<ProtocolError | boolean | undefined>({
      owners: this.#owners,
      run: (place, entry) => this.#addOrSet(place, entry),
      final: false,
      applied,
    });
    return [...answers].flatMap(([node, answer]) => (answer === false ? [node] : []));
  }

  async #addOrSet(place: Place, entry: Entry): Promise<ProtocolError | boolean | undefined> {
    const { node } = place;
    if (entry.state === 'refilling') {
      this.#tried.add(node);
      return this.#follower.follow(this.#item, place, entry);
    }
    if (await this.#add(node)) return true;
    return this.#follower.replacePlaceholder(this.#item, node);
  }

  /** Takes back what was stored, but for what the refusing owners have. */
  async #refuse(refusing: readonly CacheNode[]): Promise<'NOT_STORED'> {
    const isRefusing = (node: CacheNode) => refusing.includes(node);
    if ([...this.#tried].every(isRefusing)) return 'NOT_STORED';
    const untouched = this.#owners().filter(({ node }) => isRefusing(node));
    await this.#writer.apply({
      owners: this.#owners,
      run: async ({ node }) => {
        if (!isRefusing(node)) await this.#follower.withdraw(this.#item, node);
      },
      final: true,
      applied: new Map(untouched.map((place) => [place, place.entry])),
    });
    return 'NOT_STORED';
  }
}
