import { messageOf } from '../errors.ts';
import { type Logger, silentLogger } from '../log.ts';
import type { Item, MemcachedClient, StoreOptions } from './client.ts';
import { Connection, type ConnectionOptions, type NodeState } from './connection.ts';
import { type NodeAddress, parseNodes } from './node-address.ts';
import { createPlacement, type NodeOrder, type Placement } from './placement.ts';
import * as protocol from './protocol.ts';
import { DEFAULT_MAX_VALUE_BYTES } from './reply-parser.ts';

export interface ClusterOptions extends Omit<ConnectionOptions, 'onState'> {
  /** The nodes, in the order of the dashboards' `LOCATION`: some placements depend on it. */
  readonly nodes: readonly string[];
  /** The client library that the dashboards use, and whose choice of node is followed. */
  readonly placement: Placement;
  readonly logger?: Logger;
  /** Called when a node is first seen or changes, with its address. */
  readonly onNodeState?: (node: string, state: 'up' | 'down', error?: Error) => void;
  /** The clock, in ms of unix time; `Date.now` unless told. */
  readonly now?: () => number;
}

/** The answer to a ping: the node's version, or why there is none. */
export type PingResult = { readonly version: string } | { readonly error: Error };

/** Keys in one `get`: bounds how much one reply can hold up the replies behind it. */
const KEYS_PER_GET = 100;

/**
 * A client of several memcached nodes that finds and puts each key where the dashboards' client
 * library would. A key belongs to one node: if that cannot be asked the answer is
 * UnavailableError, never a miss. Keys, flags and times that memcached would not take reject with
 * TypeError, values over `maxValueBytes` with RangeError, before anything is sent.
 */
export class Cluster implements MemcachedClient {
  readonly #connections: readonly Connection[];
  readonly #orderOf: NodeOrder;
  readonly #maxValueBytes: number;
  readonly #now: () => number;

  /** Throws an Error that names the value and the remedy if a node's address is not one. */
  constructor(options: ClusterOptions) {
    const nodes = parseNodes(options.nodes);
    this.#orderOf = createPlacement(options.placement, nodes);
    this.#maxValueBytes = options.maxValueBytes ?? DEFAULT_MAX_VALUE_BYTES;
    this.#now = options.now ?? Date.now;
    this.#connections = nodes.map((node) => connectionTo(node, options));
  }

  async get(key: string): Promise<Item | undefined> {
    const items = await this.#send(key, protocol.fetchRequest('get', [key]));
    return items.get(key);
  }

  async gets(key: string): Promise<(Item & { readonly cas: bigint }) | undefined> {
    const items = await this.#send(key, protocol.fetchRequest('gets', [key]));
    return items.get(key) as (Item & { readonly cas: bigint }) | undefined;
  }

  async getMany(keys: readonly string[]): Promise<Map<string, Item>> {
    const byNode = Map.groupBy(new Set(keys), (key) => this.#connectionOf(key));
    const requests = [...byNode].flatMap(([connection, theirs]) =>
      batches(theirs, KEYS_PER_GET).map((batch) => ({
        connection,
        request: protocol.fetchRequest('get', batch),
      })),
    );
    const found = await Promise.all(
      requests.map(({ connection, request }) => connection.request(request)),
    );
    return new Map(found.flatMap((items) => [...items]));
  }

  async set(key: string, value: Buffer, options: StoreOptions = {}): Promise<void> {
    this.#checkSize(value);
    await this.#send(key, protocol.setRequest(key, value, options, this.#now()));
  }

  async add(key: string, value: Buffer, options: StoreOptions = {}): Promise<boolean> {
    this.#checkSize(value);
    const now = this.#now();
    return this.#send(key, protocol.conditionalStoreRequest('add', key, value, options, now));
  }

  async replace(key: string, value: Buffer, options: StoreOptions = {}): Promise<boolean> {
    this.#checkSize(value);
    const now = this.#now();
    return this.#send(key, protocol.conditionalStoreRequest('replace', key, value, options, now));
  }

  async cas(
    key: string,
    value: Buffer,
    version: bigint,
    options: StoreOptions = {},
  ): Promise<'stored' | 'exists' | 'missing'> {
    this.#checkSize(value);
    return this.#send(key, protocol.casRequest(key, value, version, options, this.#now()));
  }

  async delete(key: string): Promise<boolean> {
    return this.#send(key, protocol.deleteRequest(key));
  }

  async touch(key: string, ttl: number): Promise<boolean> {
    return this.#send(key, protocol.touchRequest(key, ttl, this.#now()));
  }

  async incr(key: string, by: bigint | number): Promise<bigint | undefined> {
    return this.#send(key, protocol.counterRequest('incr', key, by));
  }

  async decr(key: string, by: bigint | number): Promise<bigint | undefined> {
    return this.#send(key, protocol.counterRequest('decr', key, by));
  }

  /** Asks every node for its version; by node, within the deadline. Never rejects. */
  async ping(): Promise<Map<string, PingResult>> {
    const results = this.#connections.map(async (connection): Promise<[string, PingResult]> => {
      const node = connection.address.text;
      try {
        return [node, { version: await connection.request(protocol.versionRequest()) }];
      } catch (error) {
        return [node, { error: error instanceof Error ? error : new Error(messageOf(error)) }];
      }
    });
    return new Map(await Promise.all(results));
  }

  /** What was last seen of each node, without asking it. */
  nodeStates(): Map<string, NodeState> {
    return new Map(this.#connections.map(({ address, state }) => [address.text, state]));
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  #connectionOf(key: string): Connection {
    return this.#connections[this.#orderOf(key)[0]!]!;
  }

  #send<T>(key: string, request: protocol.Request<T>): Promise<T> {
    return this.#connectionOf(key).request(request);
  }

  #checkSize(value: Buffer): void {
    if (value.length <= this.#maxValueBytes) return;
    throw new RangeError(
      `a value of ${value.length} bytes is over the limit of ${this.#maxValueBytes} bytes: ` +
        'store less, or raise the limit here and in memcached (-I)',
    );
  }
}

function connectionTo(address: NodeAddress, options: ClusterOptions): Connection {
  const { logger = silentLogger, onNodeState, ...connectionOptions } = options;
  const node = address.text;
  let wentDown = false;
  return new Connection(address, {
    ...connectionOptions,
    onState(state, error) {
      if (state === 'down') logger.warn({ node, reason: error?.message }, 'memcached node is down');
      else if (wentDown) logger.info({ node }, 'memcached node is back');
      wentDown = state === 'down';
      onNodeState?.(node, state, error);
    },
  });
}

function batches<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
    all.slice(index * size, (index + 1) * size),
  );
}
