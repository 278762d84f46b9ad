import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { DEFAULT_CACHE_TIMING } from '../../src/cache/cache-timing.ts';
import { MemcachedNode } from '../../src/cache/memcached-node.ts';
import type { WhenUnsure } from '../../src/cache/replicas.ts';
import { createSessionCache } from '../../src/cache/session-cache.ts';
import { parseNode } from '../../src/memcached/node-address.ts';
import { recordingLogger } from '../support/log.ts';
import { startMemcached } from '../support/memcached.ts';
import { until } from '../support/until.ts';

interface LabOptions {
  readonly nodeArguments?: readonly string[];
  readonly itemLifetimeMs?: number;
  readonly whenUnsure?: WhenUnsure;
}

async function startLab(t: TestContext, options: LabOptions = {}) {
  const extraArguments = options.nodeArguments ?? [];
  const servers = await Promise.all([0, 1, 2].map(() => startMemcached(t, { extraArguments })));
  const { logger, lines } = recordingLogger();
  const cache = createSessionCache({
    nodes: servers.map(({ address }) => address),
    placement: 'pymemcache',
    ...options,
    logger,
  });
  t.after(() => cache.close());
  assert.equal(await cache.start(), true);
  const nodes = servers.map(({ address }) => {
    const node = new MemcachedNode(parseNode(address), {
      timing: { ...DEFAULT_CACHE_TIMING, writeDeadlineMs: 5000 },
    });
    t.after(() => node.close());
    return node;
  });
  const stateOf = (node: number) => cache.health().nodes[node]!;
  return { ...cache, servers, nodes, lines, stateOf };
}

describe('refilling a node', () => {
  it('brings back every item with its bytes, flags and time to live', async (t) => {
    const { store, servers, nodes, stateOf, lines } = await startLab(t);
    const keys = Array.from({ length: 300 }, (_, n) => `:1:key${n}%\u00e9`);
    for (const [n, key] of keys.entries()) {
      const exptime =
        n % 3 === 0 ? 0 : n % 3 === 1 ? 1000 : 40 * 86_400 + Math.floor(Date.now() / 1000);
      await store.store('set', key, Buffer.from([n % 256, 0x0d, 0x0a]), n, exptime);
    }
    const before = await Promise.all(keys.map((key) => nodes[0]!.inspect(key)));
    assert.ok(before.filter(Boolean).length > 100);
    await servers[0]!.kill();
    servers[0] = await startMemcached(t, { port: servers[0]!.port });
    await until('the loss is seen', () => stateOf(0).state !== 'full');
    await until('the node is full', () => stateOf(0).state === 'full', 30_000);
    const again = new MemcachedNode(parseNode(servers[0]!.address), {
      timing: { ...DEFAULT_CACHE_TIMING, writeDeadlineMs: 5000 },
    });
    t.after(() => again.close());
    for (const [n, key] of keys.entries()) {
      const [was, is] = [before[n], await again.inspect(key)];
      assert.deepEqual(is?.value, was?.value);
      assert.equal(is?.flags, was?.flags);
      if (was !== undefined) assert.ok(Math.abs(is!.ttl - was.ttl) <= 30, `${was.ttl} ${is!.ttl}`);
    }
    const messages = lines.map(({ msg }) => msg);
    for (const state of ['behind', 'refilling', 'full']) {
      assert.ok(messages.includes(`memcached node is ${state}`), state);
    }
  });

  it('goes on beside items that are stale, that wait to be filled, or that the node does not take', async (t) => {
    const { store, servers, nodes, stateOf, lines } = await startLab(t);
    const keys = Array.from({ length: 60 }, (_, n) => `:1:key${n}`);
    for (const key of keys) await store.store('set', key, Buffer.from('v'), 0, 3_600);
    for (const key of keys.slice(0, 10)) {
      const { line } = await store.meta({ verb: 'md', key, flags: ['I', 'T3600'] });
      assert.equal(line, 'HD');
    }
    for (let n = 0; n < 10; n++) {
      await store.meta({ verb: 'mg', key: `:1:empty${n}`, flags: ['v', 'N3600'] });
      await store.store('set', `:1:large${n}`, Buffer.alloc(700_000), 0, 3_600);
    }
    await servers[1]!.kill();
    await until('the loss is seen', () => stateOf(1).state !== 'full');
    const extraArguments = ['-I', '512k'];
    servers[1] = await startMemcached(t, { port: servers[1]!.port, extraArguments });
    await until('the node is full', () => stateOf(1).state === 'full', 30_000);
    for (const key of keys.slice(10)) {
      const held = await Promise.all(nodes.map((node) => node.fetch(key)));
      assert.equal(held.filter((item) => item?.value.toString() === 'v').length, 2, key);
    }
    for (const key of keys.slice(0, 10)) {
      const copy = await nodes[1]!.inspect(key);
      assert.ok(copy === undefined || copy.stale, 'it passes for one that is not stale');
    }
    const [told] = lines.filter(({ msg }) => msg === 'a node does not take all items');
    assert.match(String(told?.remedy), /-I/);
    assert.ok(Number(told?.refused) > 0);
  });

  it('goes on beside items that are too large to be read of the other nodes', async (t) => {
    const { store, servers, nodes, stateOf, lines } = await startLab(t, {
      nodeArguments: ['-I', '4m'],
    });
    const keys = Array.from({ length: 60 }, (_, n) => `:1:key${n}`);
    for (const key of keys) await store.store('set', key, Buffer.from('v'), 0, 3_600);
    for (let n = 0; n < 6; n++) {
      await store.store('set', `:1:large${n}`, Buffer.alloc(1_000_000), 0, 3_600);
      await store.store('append', `:1:large${n}`, Buffer.alloc(100_000), 0, 0);
    }
    await servers[1]!.kill();
    await until('the loss is seen', () => stateOf(1).state !== 'full');
    const extraArguments = ['-I', '4m'];
    servers[1] = await startMemcached(t, { port: servers[1]!.port, extraArguments });
    await until('the node is full', () => stateOf(1).state === 'full', 30_000);
    for (const key of keys) {
      const held = await Promise.all(nodes.map((node) => node.fetch(key)));
      assert.equal(held.filter((item) => item?.value.toString() === 'v').length, 2, key);
    }
    const [told] = lines.filter(({ msg }) => msg === 'other nodes do not tell all items');
    assert.match(String(told?.remedy), /CACHE_MAX_VALUE_BYTES/);
    assert.ok(Number(told?.untold) > 0);
    assert.deepEqual(
      lines.filter(({ msg }) => msg === 'a node does not take all items'),
      [],
    );
  });

  it('removes what was deleted and corrects what was changed while the node was away', async (t) => {
    const { store, servers, nodes, stateOf } = await startLab(t);
    const keys = Array.from({ length: 90 }, (_, n) => `:1:key${n}`);
    for (const key of keys) await store.store('set', key, Buffer.from('old'), 1, 0);
    await servers[1]!.pause();
    await until('the loss is seen', () => stateOf(1).state !== 'full');
    for (const [n, key] of keys.entries()) {
      if (n % 3 === 0) await store.delete(key);
      else if (n % 3 === 1) await store.store('set', key, Buffer.from('new'), 1, 0);
    }
    servers[1]!.resume();
    await until('the node is full', () => stateOf(1).state === 'full', 30_000);
    let held = 0;
    for (const [n, key] of keys.entries()) {
      const item = await nodes[1]!.fetch(key);
      if (item === undefined) continue;
      held++;
      assert.notEqual(n % 3, 0, 'a deleted item is left');
      assert.equal(item.value.toString(), n % 3 === 1 ? 'new' : 'old');
    }
    assert.ok(held > 20);
    const { refill, facts } = stateOf(1);
    assert.equal(refill, undefined);
    assert.match(facts!.version, /^1\.6\./);
  });

  it('leaves items alone that are not to be on the node', async (t) => {
    const { store, servers, nodes, stateOf } = await startLab(t);
    // What another client of the same node has put there, by another placement.
    const keys = Array.from({ length: 60 }, (_, n) => `:1:key${n}`);
    for (const key of keys) await store.store('set', key, Buffer.from('ours'), 0, 0);
    const foreign: string[] = [];
    for (const key of keys) {
      if ((await nodes[2]!.fetch(key)) !== undefined) continue;
      await nodes[2]!.store('set', key, Buffer.from('theirs'), 0, 0);
      foreign.push(key);
    }
    assert.ok(foreign.length > 5);
    await servers[2]!.pause();
    await until('the loss is seen', () => stateOf(2).state !== 'full');
    servers[2]!.resume();
    await until('the node is full', () => stateOf(2).state === 'full', 30_000);
    for (const key of foreign) {
      assert.equal((await nodes[2]!.fetch(key))?.value.toString(), 'theirs');
    }
  });

  it('does not believe a node that lists no keys before every old item has expired', async (t) => {
    const itemLifetimeMs = 6000;
    const { store, servers, nodes, stateOf } = await startLab(t, {
      nodeArguments: ['-o', 'no_lru_crawler'],
      itemLifetimeMs,
    });
    const keys = Array.from({ length: 30 }, (_, n) => `:1:key${n}`);
    for (const key of keys) await store.store('set', key, Buffer.from('old'), 1, 5);
    await servers[0]!.pause();
    await until('the loss is seen', () => stateOf(0).state !== 'full');
    await Promise.all(keys.map((key) => store.delete(key)));
    servers[0]!.resume();
    await until('it is written to', () => stateOf(0).state === 'refilling');
    const { since } = stateOf(0);
    await until('the node is full', () => stateOf(0).state === 'full', 60_000);
    assert.ok(Date.now() >= since + itemLifetimeMs);
    for (const key of keys) assert.equal(await nodes[0]!.fetch(key), undefined);
  });

  it('drops what nobody can vouch for, and believes the nodes again, where it is to refuse when unsure', async (t) => {
    const { store, servers, stateOf } = await startLab(t, { whenUnsure: 'refuse' });
    const keys = Array.from({ length: 60 }, (_, n) => `:1:key${n}`);
    for (const key of keys) await store.store('set', key, Buffer.from('old'), 1, 0);
    // The second is lost before the first is full again, and both have old items.
    for (const node of [0, 1]) {
      await servers[node]!.pause();
      // A write finds out: without one, the second is waited for.
      await Promise.allSettled(
        keys.map((key) => store.store('set', `${key}+`, Buffer.from('other'), 1, 0)),
      );
      await until('the loss is seen', () => stateOf(node).state === 'behind');
      servers[node]!.resume();
    }
    assert.notEqual(stateOf(0).state, 'full');
    await until(
      'all are full',
      () => [0, 1, 2].every((node) => stateOf(node).state === 'full'),
      60_000,
    );
    const found = await Promise.all(keys.map((key) => store.get(key)));
    assert.ok(found.some((item) => item === undefined));
    assert.ok(found.some((item) => item?.value.toString() === 'old'));
    for (const key of keys) {
      assert.equal(await store.store('set', key, Buffer.from('new'), 1, 0), 'STORED');
    }
  });

  it('believes all nodes again when all of them were restarted empty at once', async (t) => {
    const { store, servers, stateOf } = await startLab(t);
    await store.store('set', 'a', Buffer.from('1'), 0, 0);
    await Promise.all(servers.map((server) => server.kill()));
    await Promise.all(servers.map(({ port }) => startMemcached(t, { port })));
    await until('the loss is seen', () =>
      [0, 1, 2].every((node) => stateOf(node).state !== 'full'),
    );
    assert.equal(await store.get('a'), undefined);
    assert.equal(await store.store('set', 'a', Buffer.from('2'), 0, 0), 'STORED');
    assert.equal((await store.get('a'))?.value.toString(), '2');
    await until(
      'all are full',
      () => [0, 1, 2].every((node) => stateOf(node).state === 'full'),
      30_000,
    );
    assert.equal((await store.get('a'))?.value.toString(), '2');
  });
});
