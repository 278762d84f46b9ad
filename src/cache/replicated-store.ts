import { ProtocolError } from '../memcached/client.ts';
import { isOwnKey } from '../memcached/own-keys.ts';
import { AddCommand } from './add-command.ts';
import type { CacheNode, NodeItem } from './cache-node.ts';
import type {
  CachedItem,
  CacheStore,
  MetaAnswer,
  MetaCommand,
  StorageVerb,
} from './cache-store.ts';
import { decodeToken, encodeToken, isOfEpoch } from './cas-token.ts';
import { isOver } from './exptime.ts';
import { type Effect, Follower, type Storing } from './follower.ts';
import { MetaCommands } from './meta-commands.ts';
import type { Place } from './place.ts';
import { isPlaceholder } from './placeholder.ts';
import { type Found, Reader } from './reader.ts';
import type { Replicas } from './replicas.ts';
import { VIEW_KEY } from './reserved-keys.ts';
import { Writer } from './writer.ts';

/**
 * The commands of the cache on nodes that each hold some of its items, every item on several. What
 * is written blindly (`set`, `delete`, `touch`) goes to all owners at once; what depends on the item
 * that is there is decided by one owner, and its effect passed on.
 */
export class ReplicatedStore implements CacheStore {
  readonly #replicas: Replicas;
  readonly #reader: Reader;
  readonly #writer: Writer;
  readonly #follower: Follower;
  readonly #meta: MetaCommands;

  constructor(replicas: Replicas, writer: Writer = new Writer(replicas)) {
    this.#replicas = replicas;
    this.#reader = new Reader(replicas);
    this.#writer = writer;
    this.#follower = new Follower(replicas);
    this.#meta = new MetaCommands(replicas, this.#reader, this.#writer, this.#follower);
  }

  async get(key: string): Promise<CachedItem | undefined> {
    if (isOwnKey(key)) return undefined;
    const found = await this.#reader.get(key);
    return found === undefined ? undefined : new FoundItem(found);
  }

  async getMany(keys: readonly string[]): Promise<Map<string, CachedItem>> {
    const items = new Map<string, CachedItem>();
    const byNode = Map.groupBy(new Set(keys), (key) => this.#firstFullOwner(key));
    await Promise.all(
      [...byNode].map(async ([place, theirs]) => {
        const found = place === undefined ? undefined : await this.#fetchMany(place, theirs);
        await Promise.all(
          theirs.map(async (key) => {
            const item = found?.get(key) ?? (await this.get(key));
            if (item !== undefined) items.set(key, item);
          }),
        );
      }),
    );
    return items;
  }

  async getAndTouch(key: string, exptime: number): Promise<CachedItem | undefined> {
    const item = await this.get(key);
    if (item !== undefined) await this.touch(key, exptime);
    return item;
  }

  async store(
    verb: StorageVerb,
    key: string,
    value: Buffer,
    flags: number,
    exptime: number,
  ): Promise<'STORED' | 'NOT_STORED'> {
    refuseOwnKey(key);
    const owners = () => this.#replicas.ownersOf(key).all;
    const effect: Storing = { verb: 'set', key, value, flags, exptime };
    if (verb === 'set') {
      const answers = await this.#writer.apply({
        owners,
        run: (place, entry) => this.#follower.follow(effect, place, entry),
        final: this.#isOver(exptime),
      });
      throwIfAllRefuse(answers);
      return 'STORED';
    }
    if (verb === 'add') {
      return new AddCommand(this.#replicas, this.#writer, this.#follower, effect).run();
    }
    const decision = await this.#writer.decide(key, async ({ node }) => {
      const stored = await node.store(verb, key, value, flags, exptime);
      return stored ? true : undefined;
    });
    if (decision === undefined) return 'NOT_STORED';
    const authority = decision.place.node;
    const followed: Effect =
      verb === 'replace' ? { ...effect, verb } : { verb, key, value, authority };
    await this.#writer.apply({
      owners,
      run: (place, entry) => this.#follower.follow(followed, place, entry),
      final: false,
      applied: decision.applied,
    });
    return 'STORED';
  }

  async cas(
    key: string,
    value: Buffer,
    version: bigint,
    flags: number,
    exptime: number,
  ): Promise<'STORED' | 'EXISTS' | 'NOT_FOUND'> {
    refuseOwnKey(key);
    const owners = () => this.#replicas.ownersOf(key).all;
    const token = decodeToken(version);
    // The node that counted the version decides, while it is full in the epoch that it was in.
    const decision = await this.#writer.decide(key, async ({ node, mark }, entry) => {
      if (mark !== token.mark || !isOfEpoch(token, entry.epoch)) return undefined;
      return node.cas(key, value, token.version, flags, exptime);
    });
    if (decision === undefined || decision.answer === 'NOT_FOUND') return this.#otherVersion(key);
    if (decision.answer !== 'STORED') return decision.answer;
    await this.#writer.apply({
      owners,
      run: (place, entry) =>
        this.#follower.follow({ verb: 'replace', key, value, flags, exptime }, place, entry),
      final: this.#isOver(exptime),
      applied: decision.applied,
    });
    return 'STORED';
  }

  async delete(key: string): Promise<boolean> {
    return this.#writeAndTell(key, true, (node) => node.delete(key));
  }

  async touch(key: string, exptime: number): Promise<boolean> {
    return this.#writeAndTell(key, this.#isOver(exptime), (node) => node.touch(key, exptime));
  }

  async count(verb: 'incr' | 'decr', key: string, by: bigint): Promise<bigint | undefined> {
    refuseOwnKey(key);
    const owners = () => this.#replicas.ownersOf(key).all;
    const decision = await this.#writer.decide(key, ({ node }) => countOn(node, verb, key, by));
    if (decision === undefined) return undefined;
    await this.#writer.apply({
      owners,
      run: (node, entry) =>
        this.#follower.follow({ verb, key, by, authority: decision.place.node }, node, entry),
      final: false,
      applied: decision.applied,
    });
    return decision.answer;
  }

  async meta(command: MetaCommand): Promise<MetaAnswer> {
    return this.#meta.run(command);
  }

  async flush(): Promise<void> {
    await this.#writer.apply({
      owners: this.#replicas.everyNode,
      run: ({ node }) => flushButView(node),
      final: true,
    });
  }

  /** Whether any owner has had the item; where it has to be done twice, the first time tells. */
  async #writeAndTell(
    key: string,
    final: boolean,
    run: (node: CacheNode) => Promise<boolean>,
  ): Promise<boolean> {
    refuseOwnKey(key);
    let found = false;
    await this.#writer.apply({
      owners: () => this.#replicas.ownersOf(key).all,
      run: async ({ node }) => {
        if (await run(node)) found = true;
      },
      final,
    });
    return found;
  }

  /** The answer for a version that its node does not have any more: another one may have the item. */
  async #otherVersion(key: string): Promise<'EXISTS' | 'NOT_FOUND'> {
    return (await this.get(key)) === undefined ? 'NOT_FOUND' : 'EXISTS';
  }

  /** Whether an item with that time to live is gone by now. */
  #isOver(exptime: number): boolean {
    return isOver(exptime, this.#replicas.clock.unixMs());
  }

  #firstFullOwner(key: string): Place | undefined {
    if (isOwnKey(key)) return undefined;
    return this.#replicas.ownersOf(key).read.find(({ entry }) => entry.state === 'full');
  }

  /** What one full owner has of many keys; undefined where it may not be believed. */
  async #fetchMany(
    place: Place,
    keys: readonly string[],
  ): Promise<Map<string, CachedItem> | undefined> {
    const { view, clock, timing } = this.#replicas;
    const { entry } = place;
    const { arrangement } = view;
    let callOff = () => {};
    const late = new Promise<undefined>((resolve) => {
      callOff = clock.after(timing.readDeadlineMs, () => resolve(undefined));
    });
    const answer = place.node.fetchMany(keys).catch(() => undefined);
    const found = await Promise.race([answer, late]);
    callOff();
    if (found === undefined || !view.holds()) return undefined;
    if (place.entry !== entry || view.arrangement !== arrangement) return undefined;
    const items = [...found].filter(([, item]) => !isPlaceholder(item));
    return new Map(
      items.map(([key, item]) => [key, new FoundItem({ place, entry, answer: item })]),
    );
  }
}

/** A placeholder is no number, as a node says; to clients it is nothing. */
async function countOn(
  node: CacheNode,
  verb: 'incr' | 'decr',
  key: string,
  by: bigint,
): Promise<bigint | undefined> {
  try {
    return await node.count(verb, key, by);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const item = await node.fetch(key);
    if (item !== undefined && isPlaceholder(item)) return undefined;
    throw error;
  }
}

/** Without the view a node would seem to have been restarted. */
async function flushButView(node: CacheNode): Promise<void> {
  const document = await node.control.fetch(VIEW_KEY);
  await node.flush();
  if (document !== undefined) await node.control.store('add', VIEW_KEY, document.value, 0, 0);
}

/** An item as the cache gives it out; its token is made when it is asked for. */
class FoundItem implements CachedItem {
  readonly value: Buffer;
  readonly flags: number;
  readonly #found: Found<NodeItem>;

  constructor(found: Found<NodeItem>) {
    this.value = found.answer.value;
    this.flags = found.answer.flags;
    this.#found = found;
  }

  get cas(): bigint {
    const { place, entry, answer } = this.#found;
    return encodeToken({ mark: place.mark, epoch: entry.epoch, version: answer.cas });
  }
}

/** What gateways keep for themselves is always absent to clients, and not theirs to write. */
function refuseOwnKey(key: string): void {
  if (!isOwnKey(key)) return;
  const line = "CLIENT_ERROR keys that begin so are the gateways' own";
  throw new ProtocolError('(the cache)', line, line);
}

/** A write that every owner refuses is refused; where one took it, the others have been emptied. */
function throwIfAllRefuse(answers: ReadonlyMap<CacheNode, unknown>): void {
  const refusals = [...answers.values()].filter((answer) => answer instanceof ProtocolError);
  if (refusals.length === answers.size && refusals.length > 0) throw refusals[0];
}
