/** connect-memcached 3 ships no types; these are of what is used here. */
declare module 'connect-memcached' {
  import session = require('express-session');

  function connectMemcached(expressSession: typeof session): typeof connectMemcached.MemcachedStore;

  namespace connectMemcached {
    type Callback<Result = unknown> = (error?: unknown, result?: Result) => void;

    /** The calls that it makes to its `client`; `ttl` is in seconds. */
    interface Client {
      get(key: string, callback: Callback<session.SessionData>): void;
      set(key: string, value: session.SessionData, ttl: number, callback: Callback): void;
      del(key: string, callback: Callback): void;
      /** Counts the sessions. */
      items(callback: Callback): void;
      /** Deletes everything that the cluster holds. */
      flush(callback: Callback): void;
    }

    class MemcachedStore extends session.Store {
      constructor(options: { client: Client; prefix?: string });
      getKey(id: string): string;
      get(id: string, callback: (error: unknown, found?: session.SessionData | null) => void): void;
      set(id: string, current: session.SessionData, callback?: (error?: unknown) => void): void;
      touch(id: string, current: session.SessionData, callback?: (error?: unknown) => void): void;
      destroy(id: string, callback?: (error?: unknown) => void): void;
      length(callback: (error: unknown, length?: number) => void): void;
      clear(callback?: (error?: unknown) => void): void;
    }
  }

  export = connectMemcached;
}
