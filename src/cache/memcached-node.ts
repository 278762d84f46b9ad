import * as requests from '../memcached/byte-requests.ts';
import { ProtocolError } from '../memcached/client.ts';
import { Connection, type ConnectionOptions, type RequestCounts } from '../memcached/connection.ts';
import { listKeys } from '../memcached/key-listing.ts';
import type { NodeAddress } from '../memcached/node-address.ts';
import type { Request } from '../memcached/protocol.ts';
import {
  type CacheNode,
  type CasOutcome,
  type DocumentNode,
  ListingRefused,
  type LivingItem,
  type NodeFacts,
  type NodeItem,
} from './cache-node.ts';
import type { MetaAnswer, MetaCommand, StorageVerb } from './cache-store.ts';
import type { CacheTiming } from './cache-timing.ts';

export interface MemcachedNodeOptions {
  readonly timing: CacheTiming;
  /** The longest value, in bytes; what the nodes take (-I). */
  readonly maxValueBytes?: number | undefined;
  /** Where to connect to, where that is not the address that the view and placement know it by. */
  readonly reachedAt?: NodeAddress | undefined;
  /** How much longer than its deadline a request may wait, asked then, in ms. */
  readonly extraMs?: () => number;
  /** Counts the requests of clients. */
  readonly counts?: RequestCounts;
}

/** A node that comes back is to be found at once: others believe it again after `quietMs`. */
const BACKOFF = { firstMs: 25, maxMs: 250 };
const LISTING_TIMEOUT_MS = 5000;
const INSPECTION = ['v', 'f', 't', 'c'];
/** What follows is of meta commands: W and Z are for who is to fetch an item anew, X is of one that is stale. */
const INSPECTED = /^VA \d+ f(\d+) t(-?\d+) c(\d+)((?: [WXZ])*)$/;

/** Documents by a connection to a memcached. */
class MemcachedDocuments implements DocumentNode {
  protected readonly connection: Connection;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  fetch(key: string): Promise<NodeItem | undefined> {
    return this.connection.request(requests.getsRequest(key));
  }

  store(verb: StorageVerb, key: string, value: Buffer, flags: number, exptime: number) {
    return this.connection.request(requests.storeRequest(verb, key, value, flags, exptime));
  }

  cas(
    key: string,
    value: Buffer,
    version: bigint,
    flags: number,
    exptime: number,
  ): Promise<CasOutcome> {
    return this.connection.request(requests.casBytesRequest(key, value, version, flags, exptime));
  }
}

/** A memcached as a node of the cache, over two connections: one for items, one for the view. */
export class MemcachedNode extends MemcachedDocuments implements CacheNode {
  readonly address: string;
  readonly control: DocumentNode;
  readonly #reachedAt: NodeAddress;
  readonly #controlConnection: Connection;

  constructor(address: NodeAddress, options: MemcachedNodeOptions) {
    const { timing, maxValueBytes, reachedAt = address, counts, extraMs } = options;
    super(connect(reachedAt, timing.writeDeadlineMs, maxValueBytes, { counts, extraMs }));
    this.address = address.text;
    this.#reachedAt = reachedAt;
    this.#controlConnection = connect(reachedAt, timing.pollDeadlineMs, maxValueBytes);
    this.control = new MemcachedDocuments(this.#controlConnection);
  }

  get isSilent(): boolean {
    return this.connection.state === 'down';
  }

  fetchMany(keys: readonly string[]): Promise<Map<string, NodeItem>> {
    return this.connection.request(requests.getsManyRequest(keys));
  }

  delete(key: string): Promise<boolean> {
    return this.connection.request(requests.deleteBytesRequest(key));
  }

  touch(key: string, exptime: number): Promise<boolean> {
    return this.connection.request(requests.touchBytesRequest(key, exptime));
  }

  count(verb: 'incr' | 'decr', key: string, by: bigint): Promise<bigint | undefined> {
    return this.connection.request(requests.countRequest(verb, key, by));
  }

  meta({ verb, key, flags, value }: MetaCommand): Promise<MetaAnswer> {
    return this.connection.request(requests.metaRequest(verb, key, flags, value));
  }

  flush(): Promise<void> {
    return this.connection.request(requests.flushRequest());
  }

  async inspect(key: string): Promise<LivingItem | undefined> {
    const { line, value } = await this.#orRefused(requests.metaRequest('mg', key, INSPECTION));
    if (value === undefined) return undefined;
    const match = INSPECTED.exec(line);
    if (match === null)
      throw new ProtocolError(this.address, 'sent an item without what was asked');
    const [, flags, ttl, cas, marks] = match;
    const stale = marks!.includes('X');
    return { value, flags: Number(flags), ttl: Number(ttl), cas: BigInt(cas!), stale };
  }

  async *keys(): AsyncGenerator<readonly string[], void> {
    try {
      for await (const keys of listKeys(this.#reachedAt, { timeoutMs: LISTING_TIMEOUT_MS })) {
        // What the text commands cannot name was not written through the cache.
        yield keys.filter(requests.isByteKey);
      }
    } catch (error) {
      const line = error instanceof ProtocolError ? error.line : undefined;
      if (line === undefined || line.startsWith('BUSY')) throw error;
      throw new ListingRefused(this.address, line);
    }
  }

  async facts(): Promise<NodeFacts> {
    const stats = await this.#controlConnection.request(requests.statsRequest());
    const numberOf = (name: string) => Number(stats.get(name) ?? Number.NaN);
    return {
      version: stats.get('version') ?? '',
      pid: numberOf('pid'),
      uptime: numberOf('uptime'),
      items: numberOf('curr_items'),
    };
  }

  close(): void {
    this.connection.close();
    this.#controlConnection.close();
  }

  /** Meta commands came with memcached 1.6. */
  async #orRefused<T>(request: Request<T>): Promise<T> {
    try {
      return await this.connection.request(request);
    } catch (error) {
      if (!(error instanceof ProtocolError && error.line === 'ERROR')) throw error;
      throw new ListingRefused(this.address, 'it knows no meta commands');
    }
  }
}

function connect(
  address: NodeAddress,
  timeoutMs: number,
  maxValueBytes: number | undefined,
  more: Pick<ConnectionOptions, 'counts' | 'extraMs'> = {},
): Connection {
  const encoding = 'latin1';
  const connectTimeoutMs = timeoutMs;
  return new Connection(address, {
    timeoutMs,
    connectTimeoutMs,
    maxValueBytes,
    ...more,
    encoding,
    backoff: BACKOFF,
  });
}
