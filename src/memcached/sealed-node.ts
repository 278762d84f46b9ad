import { createHmac, timingSafeEqual } from 'node:crypto';
import type { StateNode } from './state-node.ts';

/** HMAC-SHA-256 in base64url, and the blank behind it. */
const SEAL_BYTES = 44;
const NOTHING = Buffer.alloc(0);

/**
 * A node on which every item carries a seal that only who has the secret can make, for its key and
 * its value. An item without the right one is there, so that it can be replaced, and says nothing:
 * its value is empty. A node can still keep items back, or give old ones.
 * @param onBroken is told of each such item.
 */
export function sealedNode(
  node: StateNode,
  secret: Buffer,
  onBroken: (address: string, key: string) => void = () => {},
): StateNode {
  const sealed = (key: string, value: Buffer) =>
    Buffer.concat([sealOf(secret, key, value), Buffer.from(' '), value]);
  return {
    address: node.address,
    fetch: async (keys) => {
      const items = await node.fetch(keys);
      for (const [key, item] of items) {
        const value = opened(secret, key, item.value);
        if (value === undefined) onBroken(node.address, key);
        items.set(key, { ...item, value: value ?? NOTHING });
      }
      return items;
    },
    set: (key, value, ttl) => node.set(key, sealed(key, value), ttl),
    add: (key, value, ttl) => node.add(key, sealed(key, value), ttl),
    replace: (key, value, version, ttl) => node.replace(key, sealed(key, value), version, ttl),
    close: () => node.close(),
  };
}

/** The value below a seal; undefined where that is not the right one. */
function opened(secret: Buffer, key: string, item: Buffer): Buffer | undefined {
  const value = item.subarray(SEAL_BYTES);
  const seal = item.subarray(0, SEAL_BYTES - 1);
  const right = sealOf(secret, key, value);
  return seal.length === right.length && timingSafeEqual(seal, right) ? value : undefined;
}

/** Keys have no line ends, so that nothing of a value can pass for a part of its key. */
function sealOf(secret: Buffer, key: string, value: Buffer): Buffer {
  const hmac = createHmac('sha256', secret).update(`${key}\n`, 'latin1').update(value);
  return Buffer.from(hmac.digest('base64url'));
}
