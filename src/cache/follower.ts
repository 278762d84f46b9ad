import { ProtocolError, UnavailableError } from '../memcached/client.ts';
import type { CacheNode } from './cache-node.ts';
import type { StorageVerb } from './cache-store.ts';
import { copyItem } from './item-copy.ts';
import type { Place } from './place.ts';
import { isPlaceholder, PLACEHOLDER, PLACEHOLDER_FLAGS } from './placeholder.ts';
import type { Replicas } from './replicas.ts';
import type { Entry } from './view-document.ts';

export interface Storing {
  readonly verb: 'set';
  readonly key: string;
  readonly value: Buffer;
  readonly flags: number;
  readonly exptime: number;
}

/** Storing only where the item is, as it was on the owner that has decided. */
interface Replacing extends Omit<Storing, 'verb'> {
  readonly verb: 'replace';
}

interface Joining {
  readonly verb: Exclude<StorageVerb, 'set' | 'add' | 'replace'>;
  readonly key: string;
  readonly value: Buffer;
  /** The owner that has done it, and whose item is the right one. */
  readonly authority: CacheNode;
}

interface Counting {
  readonly verb: 'incr' | 'decr';
  readonly key: string;
  readonly by: bigint;
  readonly authority: CacheNode;
}

/** What a write comes to on an owner that decides nothing. */
export type Effect = Storing | Replacing | Joining | Counting;

const COPY_ATTEMPTS = 3;
const AT_ONCE = -1;

/** Carries effects out on single owners, so that an owner has the right item or none. */
export class Follower {
  readonly #replicas: Replicas;

  constructor(replicas: Replicas) {
    this.#replicas = replicas;
  }

  /** `ProtocolError` as an answer: the node would not take the item, and has none now. */
  async follow(effect: Effect, { node }: Place, entry: Entry): Promise<ProtocolError | undefined> {
    if (effect.verb === 'set') return this.#store(effect, node);
    if (effect.verb === 'replace') {
      // An owner that does not have it may have heard of a delete that the one which decided has not.
      if (entry.state !== 'refilling') return this.#store(effect, node);
      await this.#copy(effect.key, node);
      return undefined;
    }
    if (node === effect.authority) return undefined;
    if (entry.state === 'refilling') await this.#copy(effect.key, node);
    else await this.#repeat(effect, node);
    return undefined;
  }

  /** Whether there was only a placeholder, in whose place the item is now. */
  async replacePlaceholder(
    { key, value, flags, exptime }: Storing,
    node: CacheNode,
  ): Promise<boolean> {
    const item = await node.fetch(key);
    if (item === undefined || !isPlaceholder(item)) return false;
    return (await node.cas(key, value, item.cas, flags, exptime)) === 'STORED';
  }

  /** Whether the node has this very item. */
  async has({ key, ...stored }: Storing, node: CacheNode): Promise<boolean> {
    const item = await node.fetch(key);
    return item !== undefined && equals(item, stored);
  }

  /** Removes what was stored on a node, unless it has changed since. */
  async withdraw({ key, ...stored }: Storing, node: CacheNode): Promise<void> {
    await this.#removeIf(key, node, (item) => equals(item, stored));
  }

  /** As `follow`, for a command that the authority answered with a meta command. */
  async align(key: string, { node }: Place, entry: Entry, authority: CacheNode): Promise<void> {
    if (node === authority) return;
    if (entry.state === 'refilling') await this.#copy(key, node);
    else await this.#clearIfOther(key, node, authority);
  }

  async #store(
    { verb, key, value, flags, exptime }: Storing | Replacing,
    node: CacheNode,
  ): Promise<ProtocolError | undefined> {
    try {
      await node.store(verb, key, value, flags, exptime);
      return undefined;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      // Too large, or out of memory. memcached drops the old item then; this makes sure.
      await this.#orUnavailable(node.delete(key), node);
      return error;
    }
  }

  /** The same command again; where it does not come to the same, the item is removed. */
  async #repeat(effect: Joining | Counting, node: CacheNode): Promise<void> {
    try {
      if ('by' in effect) {
        await node.count(effect.verb, effect.key, effect.by);
      } else {
        await node.store(effect.verb, effect.key, effect.value, 0, 0);
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
    await this.#clearIfOther(effect.key, node, effect.authority);
  }

  /**
   * Leaves a full owner without the item, rather than with another than the authority's: a miss is
   * no answer as long as another owner has the item. To store the right one would not be safe: a
   * delete that reaches this node before and the authority after would be undone.
   */
  async #clearIfOther(key: string, node: CacheNode, authority: CacheNode): Promise<void> {
    // An authority that fails now is another command's business: nothing is known to differ then.
    const asked = authority.fetch(key).then((item) => ({ item }));
    const right = await asked.catch(() => undefined);
    if (right === undefined) return;
    await this.#removeIf(
      key,
      node,
      (item) => right.item === undefined || !equals(item, right.item),
    );
  }

  async #removeIf(
    key: string,
    node: CacheNode,
    condition: (item: Sameness) => boolean,
  ): Promise<void> {
    const item = await node.fetch(key);
    if (item === undefined || !condition(item)) return;
    await node.cas(key, PLACEHOLDER, item.cas, PLACEHOLDER_FLAGS, AT_ONCE);
  }

  /** A node that is being refilled gets the item as the full owners have it now. */
  async #copy(key: string, node: CacheNode): Promise<void> {
    for (let attempt = 0; attempt < COPY_ATTEMPTS; attempt++) {
      const outcome = await copyItem(this.#replicas, key, node).catch((error) => {
        if (error instanceof UnavailableError) return 'over';
        throw error;
      });
      if (outcome === 'over' || outcome === 'refused' || outcome === 'untold') break;
      if (outcome !== 'raced') return;
    }
    // Without the item it is as good: the sweep, or a read from another owner, makes up for it.
    await node.delete(key);
  }

  async #orUnavailable(request: Promise<unknown>, { address }: CacheNode): Promise<void> {
    try {
      await request;
    } catch (cause) {
      throw new UnavailableError(address, 'it takes no writes', { cause });
    }
  }
}

interface Sameness {
  readonly value: Buffer;
  readonly flags: number;
}

function equals(a: Sameness, b: Sameness): boolean {
  return a.flags === b.flags && a.value.equals(b.value);
}
