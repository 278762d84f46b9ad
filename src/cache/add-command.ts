import type { ProtocolError } from '../memcached/client.ts';
import type { Follower, Storing } from './follower.ts';
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
  readonly #owners: readonly number[];
  /** Owners that may have the item from this command. */
  readonly #tried = new Set<number>();
  /** Whether one took it: others may then have it by being refilled. */
  #taken = false;

  constructor(replicas: Replicas, writer: Writer, follower: Follower, item: Storing) {
    this.#replicas = replicas;
    this.#writer = writer;
    this.#follower = follower;
    this.#item = item;
    this.#owners = replicas.ownersOf(item.key);
  }

  async run(): Promise<'STORED' | 'NOT_STORED'> {
    const decision = await this.#writer.decide(this.#owners, (node) => this.#add(node));
    if (decision === undefined) return 'NOT_STORED';
    if (!decision.answer) return this.#refuse([decision.node]);
    const refusing = await this.#passOn(decision.applied);
    return refusing.length === 0 ? 'STORED' : this.#refuse(refusing);
  }

  /** Whether the node has the item of this command now. */
  async #add(node: number): Promise<boolean> {
    const again = this.#tried.has(node) || this.#taken;
    this.#tried.add(node);
    const { key, value, flags, exptime } = this.#item;
    const there = this.#replicas.nodes[node]!;
    if (await there.store('add', key, value, flags, exptime)) {
      this.#taken = true;
      return true;
    }
    return again && this.#follower.has(this.#item, node);
  }

  /** The owners that have another item. */
  async #passOn(applied: Applied): Promise<readonly number[]> {
    const answers = await this.#writer.apply<ProtocolError | boolean | undefined>({
      owners: this.#owners,
      run: (node, entry) => this.#addOrSet(node, entry),
      final: false,
      applied,
    });
    return this.#owners.filter((node) => answers.get(node) === false);
  }

  async #addOrSet(node: number, entry: Entry): Promise<ProtocolError | boolean | undefined> {
    if (entry.state === 'refilling') {
      this.#tried.add(node);
      return this.#follower.follow(this.#item, node, entry);
    }
    if (await this.#add(node)) return true;
    return this.#follower.replacePlaceholder(this.#item, node);
  }

  /** Takes back what was stored, but for what the refusing owners have. */
  async #refuse(refusing: readonly number[]): Promise<'NOT_STORED'> {
    const { view } = this.#replicas;
    const isOurs = (node: number) => this.#tried.has(node) && !refusing.includes(node);
    if (!this.#owners.some(isOurs)) return 'NOT_STORED';
    await this.#writer.apply({
      owners: this.#owners,
      run: async (node) => {
        if (isOurs(node)) await this.#follower.withdraw(this.#item, node);
      },
      final: true,
      applied: new Map(refusing.map((node) => [node, view.entry(node)])),
    });
    return 'NOT_STORED';
  }
}
