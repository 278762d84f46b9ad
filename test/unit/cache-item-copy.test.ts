import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CacheNode, LivingItem } from '../../src/cache/cache-node.ts';
import { copyItem } from '../../src/cache/item-copy.ts';
import type { Replicas } from '../../src/cache/replicas.ts';
import { ProtocolError, UnavailableError } from '../../src/memcached/client.ts';

const REFUSAL = 'SERVER_ERROR out of memory';

function item(value: string): LivingItem {
  return { value: Buffer.from(value), flags: 0, cas: 1n, ttl: 60, stale: false };
}

/** An owner that has the item, and one that is being refilled; each node does what it is given. */
function copying(
  source: Partial<CacheNode>,
  target: Partial<CacheNode>,
  ...others: Partial<CacheNode>[]
) {
  const receiver = { address: 'target:1', ...target } as CacheNode;
  const places = [
    { node: { address: 'source:1', ...source }, entry: { state: 'full' } },
    { node: receiver, entry: { state: 'refilling' } },
    ...others.map((node) => ({ node, entry: { state: 'full' } })),
  ];
  const replicas = {
    view: { arrangement: {}, isSettled: () => true, holds: () => true },
    ownersOf: () => ({ all: places, read: places }),
    clock: { unixMs: () => 0 },
    whenUnsure: 'refuse',
  };
  return copyItem(replicas as unknown as Replicas, 'key', receiver);
}

describe('a copy of an item', () => {
  const taking: Partial<CacheNode> = {
    store: async () => true,
    inspect: async () => item('old'),
    cas: async () => 'STORED',
  };
  const telling: Partial<CacheNode> = { inspect: async () => item('new') };
  const refuses = (address: string) => async () => {
    throw new ProtocolError(address, REFUSAL, REFUSAL);
  };

  test('is made', async () => {
    assert.equal(await copying(telling, taking), 'copied');
  });

  test('is refused by the node that is to have it, before or after it has an old one', async () => {
    const refusing = refuses('target:1');
    assert.equal(await copying(telling, { ...taking, cas: refusing }), 'refused');
    assert.equal(await copying(telling, { ...taking, store: refusing }), 'refused');
  });

  test('is none where an owner refuses to tell, which is not the fault of who is to have it', async () => {
    const refusing = { inspect: refuses('source:1') };
    assert.equal(await copying(refusing, taking), 'untold');
    assert.equal(await copying(refusing, taking, { inspect: async () => undefined }), 'untold');
  });

  test('is made where another owner tells', async () => {
    const refusing = { inspect: refuses('source:1') };
    assert.equal(await copying(refusing, taking, telling), 'copied');
    assert.equal(await copying(telling, taking, refusing), 'copied');
  });

  test('is not made up for where an owner does not answer', async () => {
    const away = new UnavailableError('source:1', 'away');
    const silent = { inspect: () => Promise.reject(away) };
    await assert.rejects(copying(silent, taking, telling), away);
  });
});
