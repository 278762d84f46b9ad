import {
  casBytesRequest,
  getsManyRequest,
  storeRequest,
  type VersionedItem,
} from './byte-requests.ts';
import { Connection } from './connection.ts';
import { parseNodes } from './node-address.ts';

/**
 * One memcached node as a keeper of small items that gateways share. Everything rejects with
 * UnavailableError where the node cannot be asked or does not answer in time.
 */
export interface StateNode {
  readonly address: string;
  /** The items that are there, by key, each with its version. */
  fetch(keys: readonly string[]): Promise<Map<string, VersionedItem>>;
  /** Stores; for `ttl` seconds, 0 for ever. */
  set(key: string, value: Buffer, ttl: number): Promise<void>;
  /** Stores only where nothing is; whether it did. */
  add(key: string, value: Buffer, ttl: number): Promise<boolean>;
  /** Stores only over that version; whether it did. */
  replace(key: string, value: Buffer, version: bigint, ttl: number): Promise<boolean>;
  close(): void;
}

/** The nodes of a cluster, each by a connection of its own; what they keep is not the dashboards'. */
export function connectStateNodes(nodes: readonly string[]): StateNode[] {
  return parseNodes(nodes).map((address) => {
    const connection = new Connection(address, { encoding: 'latin1' });
    return {
      address: address.text,
      fetch: (keys) => connection.request(getsManyRequest(keys)),
      set: async (key, value, ttl) => {
        await connection.request(storeRequest('set', key, value, 0, ttl));
      },
      add: (key, value, ttl) => connection.request(storeRequest('add', key, value, 0, ttl)),
      replace: async (key, value, version, ttl) => {
        const outcome = await connection.request(casBytesRequest(key, value, version, 0, ttl));
        return outcome === 'STORED';
      },
      close: () => connection.close(),
    };
  });
}
