/** One stored item as memcached keeps it: bytes and the 32-bit flags that the writer chose. */
export interface Item {
  readonly value: Buffer;
  readonly flags: number;
  /** The item's unique version, for `cas`; present where it was asked for (`gets`). */
  readonly cas?: bigint;
}

export interface StoreOptions {
  /** 32-bit flags, opaque to memcached; 0 unless told. */
  readonly flags?: number;
  /**
   * Time to live in whole seconds: 0 never expires, negative expires at once; any size (above 30
   * days it is sent as an absolute unix time, as the protocol wants it).
   */
  readonly ttl?: number;
}

/**
 * A memcached cluster as seen by one that reads and writes it. A key that is absent is an answer
 * (`undefined`, `false`, `'missing'`); a node that cannot be asked is not: every method then
 * rejects with {@link UnavailableError}, within the client's deadline. An answer that breaks the
 * protocol, or an error that the node reports, rejects with {@link ProtocolError}.
 */
export interface MemcachedClient {
  get(key: string): Promise<Item | undefined>;
  /** As `get`, with the `cas` version. */
  gets(key: string): Promise<(Item & { readonly cas: bigint }) | undefined>;
  /** Several keys at once, one pipelined request per node; keys that are absent are left out. */
  getMany(keys: readonly string[]): Promise<Map<string, Item>>;
  set(key: string, value: Buffer, options?: StoreOptions): Promise<void>;
  /** Stores only if the key is absent; tells whether it stored. */
  add(key: string, value: Buffer, options?: StoreOptions): Promise<boolean>;
  /** Stores only if the key is present; tells whether it stored. */
  replace(key: string, value: Buffer, options?: StoreOptions): Promise<boolean>;
  /** Stores only if the item is still the version that `gets` gave. */
  cas(
    key: string,
    value: Buffer,
    version: bigint,
    options?: StoreOptions,
  ): Promise<'stored' | 'exists' | 'missing'>;
  /** Tells whether the key was present. */
  delete(key: string): Promise<boolean>;
  /** Sets a new time to live in seconds; tells whether the key was present. */
  touch(key: string, ttl: number): Promise<boolean>;
  /** Adds to a decimal counter; the new value, or undefined where the key is absent. */
  incr(key: string, by: bigint | number): Promise<bigint | undefined>;
  decr(key: string, by: bigint | number): Promise<bigint | undefined>;
  /** Ends every connection; waiting requests reject with UnavailableError. */
  close(): void;
}

/** A node could not be asked: refused, unreachable, silent past the deadline, or closed. */
export class UnavailableError extends Error {
  readonly node: string;

  constructor(node: string, message: string, options: { cause?: unknown } = {}) {
    super(`memcached node ${node} is unavailable: ${message}`, options);
    this.name = 'UnavailableError';
    this.node = node;
  }
}

/** A node answered, but with an error line or with bytes that are not the protocol. */
export class ProtocolError extends Error {
  readonly node: string;
  /** The error line, where the node sent one: `SERVER_ERROR object too large for cache`. */
  readonly line: string | undefined;

  constructor(node: string, message: string, line?: string) {
    super(`memcached node ${node}: ${message}`);
    this.name = 'ProtocolError';
    this.node = node;
    this.line = line;
  }
}

/** Whether a node has said that it will not do this one thing: an item too large for it, or no room. */
export function isRefusal(error: unknown): error is ProtocolError {
  return error instanceof ProtocolError && (error.line?.startsWith('SERVER_ERROR') ?? false);
}
