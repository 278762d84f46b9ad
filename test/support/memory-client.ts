import {
  type Item,
  type MemcachedClient,
  type StoreOptions,
  UnavailableError,
} from '../../src/memcached/client.ts';

interface Entry {
  readonly value: Buffer;
  readonly flags: number;
  readonly ttl: number;
  readonly cas: bigint;
}

/** A cluster in memory: a time to live is remembered but not lived, except that a negative ends. */
export class MemoryClient implements MemcachedClient {
  readonly entries = new Map<string, Entry>();
  /** Every call, as the method's name and the key. */
  readonly calls: string[] = [];
  /** While set, nothing can be asked. */
  down = false;
  /** Awaited before a call is carried out, with its name; lets a test come in between. */
  before: (call: string) => void | Promise<void> = () => {};
  #cas = 0n;

  async get(key: string): Promise<Item | undefined> {
    return (
      (await this.#called('get', key)) && { value: this.#at(key).value, flags: this.#at(key).flags }
    );
  }

  async gets(key: string): Promise<(Item & { readonly cas: bigint }) | undefined> {
    return (await this.#called('gets', key)) && this.#at(key);
  }

  async getMany(keys: readonly string[]): Promise<Map<string, Item>> {
    const found = new Map<string, Item>();
    for (const key of keys) {
      const item = await this.get(key);
      if (item) found.set(key, item);
    }
    return found;
  }

  async set(key: string, value: Buffer, options: StoreOptions = {}): Promise<void> {
    await this.#called('set', key);
    this.#put(key, value, options);
  }

  async add(key: string, value: Buffer, options: StoreOptions = {}): Promise<boolean> {
    return !(await this.#called('add', key)) && this.#put(key, value, options);
  }

  async replace(key: string, value: Buffer, options: StoreOptions = {}): Promise<boolean> {
    return (await this.#called('replace', key)) !== undefined && this.#put(key, value, options);
  }

  async cas(
    key: string,
    value: Buffer,
    version: bigint,
    options: StoreOptions = {},
  ): Promise<'stored' | 'exists' | 'missing'> {
    if (!(await this.#called('cas', key))) return 'missing';
    if (this.#at(key).cas !== version) return 'exists';
    this.#put(key, value, options);
    return 'stored';
  }

  async delete(key: string): Promise<boolean> {
    await this.#called('delete', key);
    return this.entries.delete(key);
  }

  async touch(key: string, ttl: number): Promise<boolean> {
    const entry = await this.#called('touch', key);
    return entry !== undefined && this.#put(key, entry.value, { flags: entry.flags, ttl });
  }

  async incr(): Promise<bigint | undefined> {
    throw new Error('not needed for sessions');
  }

  async decr(): Promise<bigint | undefined> {
    throw new Error('not needed for sessions');
  }

  close(): void {
    this.down = true;
  }

  async #called(method: string, key: string): Promise<Entry | undefined> {
    await this.before(method);
    this.calls.push(`${method} ${key}`);
    if (this.down) throw new UnavailableError('memory', 'it is switched off');
    return this.entries.get(key);
  }

  #at(key: string): Entry {
    const entry = this.entries.get(key);
    if (!entry) throw new Error(`no entry ${key}`);
    return entry;
  }

  #put(key: string, value: Buffer, { flags = 0, ttl = 0 }: StoreOptions): true {
    this.#cas += 1n;
    if (ttl < 0) this.entries.delete(key);
    else this.entries.set(key, { value: Buffer.from(value), flags, ttl, cas: this.#cas });
    return true;
  }
}
