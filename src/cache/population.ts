import { isOwnKey } from '../memcached/own-keys.ts';
import { type CacheNode, ListingRefused } from './cache-node.ts';

/**
 * Whether nodes that the cache has never served hold items whose keys begin with `keyPrefix`. Those
 * are of the dashboards' own client, each on one node alone. A node that does not answer may hold
 * some. False where a node does not list its keys, for then they cannot be copied anyhow.
 */
export async function holdItems(nodes: readonly CacheNode[], keyPrefix: string): Promise<boolean> {
  const found = await Promise.all(nodes.map((node) => holdsItems(node, keyPrefix)));
  return found.includes(true) && !found.includes('unlisted');
}

async function holdsItems(node: CacheNode, keyPrefix: string): Promise<boolean | 'unlisted'> {
  const isItem = (key: string) => key.startsWith(keyPrefix) && !isOwnKey(key);
  try {
    // Of gateways that start together one alone is given the list: the others find the node busy.
    if ((await node.facts()).items === 0) return false;
    for await (const keys of node.keys()) if (keys.some(isItem)) return true;
    return false;
  } catch (error) {
    return error instanceof ListingRefused ? 'unlisted' : true;
  }
}
