import { messageOf } from '../errors.ts';
import type { MemcachedClient } from '../memcached/client.ts';

type Callback<T> = (error: Error | undefined, result?: T) => void;

/** What rate-limiter-flexible asks of a memcached client: the calls of the package `memcached`. */
export interface LimiterStore {
  incr(key: string, by: number, done: Callback<number | false>): void;
  add(key: string, value: number, ttl: number, done: Callback<boolean>): void;
  get(key: string, done: Callback<number | false>): void;
}

/** Our memcached client in that form. */
export function limiterStore(client: MemcachedClient): LimiterStore {
  return {
    incr: (key, by, done) =>
      settle(
        client.incr(key, by).then((sum) => (sum === undefined ? false : Number(sum))),
        done,
      ),
    add: (key, value, ttl, done) =>
      settle(client.add(key, Buffer.from(String(value)), { ttl }), done),
    get: (key, done) =>
      settle(
        client.get(key).then((item) => (item ? Number(item.value.toString('latin1')) : false)),
        done,
      ),
  };
}

function settle<T>(result: Promise<T>, done: Callback<T>): void {
  result.then(
    (value) => done(undefined, value),
    (error: unknown) => done(error instanceof Error ? error : new Error(messageOf(error))),
  );
}
