import type { MetaAnswer, MetaCommand, StorageVerb } from './cache-store.ts';

/** An item as one node keeps it. */
export interface NodeItem {
  readonly value: Buffer;
  readonly flags: number;
  /** The version by the node's own count. */
  readonly cas: bigint;
}

/** An item, and how long it has to live: whole seconds, -1 for ever. */
export interface LivingItem extends NodeItem {
  readonly ttl: number;
  /** It was said to be out of date, by a meta command; who reads it is told. */
  readonly stale?: boolean;
}

export type CasOutcome = 'STORED' | 'EXISTS' | 'NOT_FOUND';

/** What is needed of a node to keep a document there. */
export interface DocumentNode {
  fetch(key: string): Promise<NodeItem | undefined>;
  /** Whether it stored. `exptime` as in {@link CacheNode}. */
  store(
    verb: StorageVerb,
    key: string,
    value: Buffer,
    flags: number,
    exptime: number,
  ): Promise<boolean>;
  cas(
    key: string,
    value: Buffer,
    version: bigint,
    flags: number,
    exptime: number,
  ): Promise<CasOutcome>;
}

/** What a node tells of itself. */
export interface NodeFacts {
  readonly version: string;
  readonly pid: number;
  /** In seconds. */
  readonly uptime: number;
  readonly items: number;
}

/** The node does not list its keys: it is too old, or does not allow it. */
export class ListingRefused extends Error {
  constructor(node: string, reason: string) {
    super(
      `memcached node ${node} does not list its keys (${reason}): ` +
        'it takes memcached 1.6 with lru_crawler enabled',
    );
    this.name = 'ListingRefused';
  }
}

/**
 * One memcached node. Keys are bytes as Latin-1 characters; `exptime` is sent as it is. Everything
 * rejects with UnavailableError where the node cannot be asked or does not answer in time, after
 * which nothing of the request is sent any more; with ProtocolError where it answers an error.
 */
export interface CacheNode extends DocumentNode {
  readonly address: string;
  /** The same node by a way of its own, on which no large value is waited for. */
  readonly control: DocumentNode;
  /** Whether it did not answer when it was last asked for an item. */
  readonly isSilent: boolean;
  fetchMany(keys: readonly string[]): Promise<Map<string, NodeItem>>;
  delete(key: string): Promise<boolean>;
  touch(key: string, exptime: number): Promise<boolean>;
  count(verb: 'incr' | 'decr', key: string, by: bigint): Promise<bigint | undefined>;
  meta(command: MetaCommand): Promise<MetaAnswer>;
  flush(): Promise<void>;
  /** The item with its time to live. */
  inspect(key: string): Promise<LivingItem | undefined>;
  /**
   * Every key that is on the node from the start of the listing to its end, and some of the
   * others, in portions. Rejects also with {@link ListingRefused}.
   */
  keys(): AsyncIterable<readonly string[]>;
  facts(): Promise<NodeFacts>;
  /** Ends every connection; what waits rejects with UnavailableError. */
  close(): void;
}
