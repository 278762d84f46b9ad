import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { VersionedItem } from '../../src/memcached/byte-requests.ts';
import { sealedNode } from '../../src/memcached/sealed-node.ts';
import type { StateNode } from '../../src/memcached/state-node.ts';

const SECRET = Buffer.from('a secret of all gateways');
const VALUE = Buffer.from('{"dashgate":1}');

class MemoryNode implements StateNode {
  readonly address = '127.0.0.1:1';
  readonly items = new Map<string, VersionedItem>();
  #version = 0n;

  async fetch(keys: readonly string[]): Promise<Map<string, VersionedItem>> {
    const there = keys.flatMap((key) => {
      const item = this.items.get(key);
      return item ? [[key, item] as const] : [];
    });
    return new Map(there);
  }

  async set(key: string, value: Buffer): Promise<void> {
    this.#version += 1n;
    this.items.set(key, { value, flags: 0, cas: this.#version });
  }

  async add(key: string, value: Buffer): Promise<boolean> {
    if (this.items.has(key)) return false;
    await this.set(key, value);
    return true;
  }

  async replace(key: string, value: Buffer, version: bigint): Promise<boolean> {
    if (this.items.get(key)?.cas !== version) return false;
    await this.set(key, value);
    return true;
  }

  close(): void {}
}

describe('an item under a seal', () => {
  let node: MemoryNode;
  let gateway: StateNode;
  let broken: string[];

  beforeEach(() => {
    node = new MemoryNode();
    broken = [];
    gateway = sealedNode(node, SECRET, (address, key) => broken.push(`${address} ${key}`));
  });

  async function read(key: string): Promise<string | undefined> {
    return (await gateway.fetch([key])).get(key)?.value.toString();
  }

  it('is read as it was stored, however it was', async () => {
    await gateway.set('a', VALUE, 0);
    assert.equal(await gateway.add('b', VALUE, 0), true);
    await gateway.set('c', Buffer.from('old'), 0);
    const { cas } = (await gateway.fetch(['c'])).get('c')!;
    assert.equal(await gateway.replace('c', VALUE, cas, 0), true);
    await gateway.set('empty', Buffer.alloc(0), 0);
    for (const key of ['a', 'b', 'c']) assert.equal(await read(key), VALUE.toString());
    assert.equal(await read('empty'), '');
    assert.equal(await read('missing'), undefined);
    assert.deepEqual(broken, []);
  });

  it('says nothing under another key, and can be replaced there', async () => {
    await gateway.set('gateway:a', VALUE, 0);
    await node.set('gateway:b', node.items.get('gateway:a')!.value);
    const item = (await gateway.fetch(['gateway:b'])).get('gateway:b')!;
    assert.equal(item.value.length, 0);
    assert.deepEqual(broken, ['127.0.0.1:1 gateway:b']);
    assert.equal(await gateway.add('gateway:b', VALUE, 0), false);
    assert.equal(await gateway.replace('gateway:b', VALUE, item.cas, 0), true);
    assert.equal(await read('gateway:b'), VALUE.toString());
  });

  it('says nothing with any of its bits changed, cut short, or without a seal', async () => {
    await gateway.set('a', VALUE, 0);
    const { value } = node.items.get('a')!;
    const forged: Buffer[] = [VALUE, Buffer.alloc(0), Buffer.alloc(44), Buffer.alloc(43, 0x41)];
    for (let length = 0; length < value.length; length += 1) forged.push(value.subarray(0, length));
    for (let at = 0; at < value.length; at += 1) {
      // What is between seal and value is not looked at.
      if (at === 43) continue;
      const changed = Buffer.from(value);
      changed[at]! ^= 1;
      forged.push(changed);
    }
    for (const item of forged) {
      await node.set('a', item);
      assert.equal(await read('a'), '', item.toString('latin1'));
    }
    assert.equal(broken.length, forged.length);
  });

  it('says nothing to who has another secret', async () => {
    await gateway.set('a', VALUE, 0);
    const stranger = sealedNode(node, Buffer.from('another'));
    assert.equal((await stranger.fetch(['a'])).get('a')!.value.length, 0);
  });
});
