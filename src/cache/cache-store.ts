/** An item as it passes through: bytes and flags as the writer chose them. */
export interface CachedItem {
  readonly value: Buffer;
  readonly flags: number;
  /** The version to hand to `cas`; of the cache's own making, good through any gateway. */
  readonly cas: bigint;
}

export type StorageVerb = 'set' | 'add' | 'replace' | 'append' | 'prepend';

/** One meta command without its opaque parts: what of it a node is to decide. */
export interface MetaCommand {
  readonly verb: 'mg' | 'ms' | 'md';
  readonly key: string;
  // Made precise with the door: which flags come, and that they are checked.
  /**
   * Its flags, in the client's order, each at most once, with their numbers checked: of `mg` those
   * in `cfhlstuvNRT`, of `ms` `cCFIMT`, of `md` `CIT`. The door keeps `q`, `O`, `k`, `b`, `L` and
   * `P` to itself and puts back what of them belongs into the answer.
   */
  readonly flags: readonly string[];
  readonly value?: Buffer;
}

/** A node's answer to a meta command: its line without CRLF, and the value where one follows. */
export interface MetaAnswer {
  readonly line: string;
  readonly value?: Buffer;
}

/**
 * What the cache's door asks of what is behind it. Keys are bytes as Latin-1 characters, 1 to 250,
 * checked. `exptime` is a number as the client sent it (protocol.txt, "Expiration times"); it goes
 * to the nodes unchanged. Every method rejects with UnavailableError where no owner of the key
 * answers, and with ProtocolError where a node answers with an error line of its own, which is then
 * its `line` and is what the client gets. Values may be views into memory that is the caller's.
 */
export interface CacheStore {
  get(key: string): Promise<CachedItem | undefined>;
  /** The items found, by key. */
  getMany(keys: readonly string[]): Promise<Map<string, CachedItem>>;
  getAndTouch(key: string, exptime: number): Promise<CachedItem | undefined>;
  store(
    verb: StorageVerb,
    key: string,
    value: Buffer,
    flags: number,
    exptime: number,
  ): Promise<'STORED' | 'NOT_STORED'>;
  cas(
    key: string,
    value: Buffer,
    version: bigint,
    flags: number,
    exptime: number,
  ): Promise<'STORED' | 'EXISTS' | 'NOT_FOUND'>;
  /** Whether the key was there. */
  delete(key: string): Promise<boolean>;
  touch(key: string, exptime: number): Promise<boolean>;
  /** The new value; undefined where the key is absent. Rejects with ProtocolError for no number. */
  count(verb: 'incr' | 'decr', key: string, by: bigint): Promise<bigint | undefined>;
  meta(command: MetaCommand): Promise<MetaAnswer>;
  /** `flush_all` on every node, for a door that allows it. */
  flush(): Promise<void>;
}
