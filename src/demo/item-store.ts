/** One item in memory. */
export interface StoredItem {
  readonly value: Buffer;
  readonly flags: number;
  /** Changes with every write. */
  readonly cas: bigint;
  /** Unix time in ms; Infinity for never. */
  readonly expiresAt: number;
}

export interface ItemStoreOptions {
  /** Bytes of keys, values and their book-keeping that are held before the oldest go. */
  readonly maxBytes: number;
  /** The clock, in ms of unix time. */
  readonly now: () => number;
}

/** memcached's own limit of an item, in bytes (`-I`). */
export const MAX_ITEM_BYTES = 1024 * 1024;
const MAX_RELATIVE_SECONDS = 30 * 24 * 60 * 60;
/** memcached's item header with its CAS, and the ends of key and value. */
const OVERHEAD_BYTES = 48 + 8 + 1 + 2;

/** The bytes that memcached counts for an item of these. */
export function itemBytes(key: string, valueLength: number): number {
  return OVERHEAD_BYTES + key.length + valueLength;
}

/** Items by key, with times to live; the least recently used go first when memory is full. */
export class ItemStore {
  readonly #options: ItemStoreOptions;
  /** In the order of use: the first is the one unused for longest. */
  readonly #items = new Map<string, StoredItem>();
  #bytes = 0;
  #lastCas = 0n;
  #flushAt = Number.POSITIVE_INFINITY;
  #evictions = 0;

  constructor(options: ItemStoreOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#items.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get evictions(): number {
    return this.#evictions;
  }

  /** The item, unless absent or expired; counts as a use. */
  get(key: string): StoredItem | undefined {
    this.#flushIfDue();
    const item = this.#items.get(key);
    if (item === undefined) return undefined;
    if (item.expiresAt <= this.#options.now()) {
      this.delete(key);
      return undefined;
    }
    this.#items.delete(key);
    this.#items.set(key, item);
    return item;
  }

  set(key: string, value: Buffer, flags: number, expiresAt: number): StoredItem {
    this.delete(key);
    const item = { value, flags, cas: ++this.#lastCas, expiresAt };
    this.#items.set(key, item);
    this.#bytes += itemBytes(key, value.length);
    this.#evict();
    return item;
  }

  delete(key: string): boolean {
    this.#flushIfDue();
    const item = this.#items.get(key);
    if (item === undefined) return false;
    this.#items.delete(key);
    this.#bytes -= itemBytes(key, item.value.length);
    return true;
  }

  /** A new time to live; the item's version stays. */
  touch(key: string, expiresAt: number): StoredItem | undefined {
    const item = this.get(key);
    if (item === undefined) return undefined;
    const touched = { ...item, expiresAt };
    this.#items.set(key, touched);
    return touched;
  }

  /** Forgets every item, now or `delaySeconds` from now. */
  flush(delaySeconds: number): void {
    this.#flushAt = this.expiry(Math.max(0, delaySeconds), this.#options.now());
    this.#flushIfDue();
  }

  /**
   * When a time to live as the protocol has it ends, in ms of unix time: 0 never, negative at once,
   * above 30 days an absolute unix time in seconds. `never` is what 0 means.
   */
  expiry(seconds: number, never = Number.POSITIVE_INFINITY): number {
    if (seconds === 0) return never;
    if (seconds < 0) return Number.NEGATIVE_INFINITY;
    if (seconds > MAX_RELATIVE_SECONDS) return seconds * 1000;
    return this.#options.now() + seconds * 1000;
  }

  /** Whole seconds that an item has left; -1 for ever. */
  secondsLeft(item: StoredItem): number {
    if (item.expiresAt === Number.POSITIVE_INFINITY) return -1;
    return Math.ceil((item.expiresAt - this.#options.now()) / 1000);
  }

  #flushIfDue(): void {
    if (this.#options.now() < this.#flushAt) return;
    this.#flushAt = Number.POSITIVE_INFINITY;
    this.#items.clear();
    this.#bytes = 0;
  }

  #evict(): void {
    for (const [key, item] of this.#items) {
      if (this.#bytes <= this.#options.maxBytes) return;
      this.#items.delete(key);
      this.#bytes -= itemBytes(key, item.value.length);
      this.#evictions++;
    }
  }
}
