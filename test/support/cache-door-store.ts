import type { CachedItem, CacheStore } from '../../src/cache/cache-store.ts';

/** One call of a store that waits for its answer. */
export interface Call {
  /** The method's name and its arguments, values left out: `get a`. */
  readonly text: string;
  readonly answer: (result: unknown) => void;
  readonly fail: (error: Error) => void;
}

/** A cache store whose every answer the test gives. */
export class ManualStore implements CacheStore {
  /** Calls not answered yet, the oldest first. */
  readonly calls: Call[] = [];
  #total = 0;
  #watchers: { readonly total: number; readonly resolve: () => void }[] = [];

  /** Resolves when so many calls were made in all. */
  reached(total: number): Promise<void> {
    return new Promise((resolve) => {
      this.#watchers.push({ total, resolve });
      this.#wake();
    });
  }

  texts(): string[] {
    return this.calls.map(({ text }) => text);
  }

  /** Answers the oldest call of this text. */
  answer(text: string, result?: unknown): void {
    this.#take(text).answer(result);
  }

  fail(text: string, error: Error): void {
    this.#take(text).fail(error);
  }

  get = (key: string) => this.#call<CachedItem | undefined>('get', key);
  getMany = (keys: readonly string[]) =>
    this.#call<Map<string, CachedItem>>('getMany', keys.join(' '));
  getAndTouch = (key: string, exptime: number) =>
    this.#call<CachedItem | undefined>('getAndTouch', key, exptime);
  store = (verb: string, key: string) => this.#call<'STORED' | 'NOT_STORED'>(verb, key);
  cas = (key: string) => this.#call<'STORED'>('cas', key);
  delete = (key: string) => this.#call<boolean>('delete', key);
  touch = (key: string, exptime: number) => this.#call<boolean>('touch', key, exptime);
  count = (verb: string, key: string, by: bigint) => this.#call<bigint>(verb, key, by);
  meta: CacheStore['meta'] = ({ verb, key, flags }) => this.#call(verb, key, ...flags);
  flush = () => this.#call<void>('flush');

  #call<T>(...words: readonly unknown[]): Promise<T> {
    const promise = new Promise<T>((resolve, fail) => {
      const answer = resolve as Call['answer'];
      this.calls.push({ text: words.join(' '), answer, fail });
    });
    this.#total++;
    this.#wake();
    return promise;
  }

  #take(text: string): Call {
    const index = this.calls.findIndex((call) => call.text === text);
    if (index === -1) throw new Error(`nothing waits for ${text}, but ${this.texts().join(', ')}`);
    return this.calls.splice(index, 1)[0]!;
  }

  #wake(): void {
    for (const { resolve } of this.#watchers.filter(({ total }) => total <= this.#total)) resolve();
    this.#watchers = this.#watchers.filter(({ total }) => total > this.#total);
  }
}

/** A cache store in memory that answers at once, and counts what it was asked. */
export class MemoryStore implements CacheStore {
  readonly items = new Map<string, CachedItem>();
  calls = 0;
  #version = 0n;

  put(key: string, value: Buffer, flags = 0): void {
    this.items.set(key, { value, flags, cas: ++this.#version });
  }

  async get(key: string): Promise<CachedItem | undefined> {
    this.calls++;
    return this.items.get(key);
  }

  async getMany(keys: readonly string[]): Promise<Map<string, CachedItem>> {
    this.calls++;
    const found = keys.filter((key) => this.items.has(key));
    return new Map(found.map((key) => [key, this.items.get(key)!]));
  }

  getAndTouch = (key: string) => this.get(key);

  async store(_verb: string, key: string, value: Buffer, flags: number): Promise<'STORED'> {
    this.calls++;
    this.put(key, value, flags);
    return 'STORED';
  }

  async delete(key: string): Promise<boolean> {
    this.calls++;
    return this.items.delete(key);
  }

  async touch(key: string): Promise<boolean> {
    this.calls++;
    return this.items.has(key);
  }

  cas = refuse;
  count = refuse;
  meta = refuse;
  flush = refuse;
}

async function refuse(): Promise<never> {
  throw new Error('this store cannot do that');
}
