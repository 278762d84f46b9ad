import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { CacheHealth } from '../../src/cache/cache-health.ts';
import { parseNodes } from '../../src/memcached/node-address.ts';
import { createPlacement } from '../../src/memcached/placement.ts';
import { conversation } from '../support/cache-door.ts';
import { type DjangoSite, startSite } from '../support/django/site.ts';
import { startTestGateway } from '../support/gateway.ts';
import { type RunningMemcached, startMemcached } from '../support/memcached.ts';
import { until } from '../support/until.ts';

const USERS = 40;
const PLACEMENTS = ['pymemcache', 'python-memcached', 'pylibmc'] as const;

/** A gateway whose session cache keeps the sessions on these nodes. */
async function startCache(t: TestContext, placement: string, nodes: readonly string[]) {
  const gateway = await startTestGateway(t, {
    // Nothing is forwarded here.
    PORTAL_BACKENDS: 'http://127.0.0.1:9',
    MEMCACHED_SERVERS: nodes.join(','),
    MEMCACHED_PLACEMENT: placement,
    CACHE_LISTEN: '127.0.0.1:0',
  });
  const admin = `http://127.0.0.1:${gateway.addresses.admin!.port}`;
  const state = async () => {
    const { cache } = (await (await fetch(`${admin}/api/state`)).json()) as { cache: CacheHealth };
    return cache;
  };
  /** Resolves when every item is on two nodes. */
  const whole = () =>
    until(
      'every node is full, and nothing is copied any more',
      async () => {
        const { nodes, move } = await state();
        return move === undefined && nodes.every((node) => node.reachable && node.state === 'full');
      },
      30_000,
    );
  const { port } = gateway.addresses.cache!;
  return { port, location: [`127.0.0.1:${port}`], state, whole, admin };
}

async function loginAll(site: DjangoSite, users: readonly number[]): Promise<string[]> {
  const ids: string[] = [];
  for (const user of users) ids.push((await site.ask(`/login?user=u${user}`)).id);
  return ids;
}

async function assertAllIn(site: DjangoSite, ids: readonly string[], when: string): Promise<void> {
  for (const [user, id] of ids.entries()) {
    const { body } = await site.ask('/show', id);
    assert.equal(JSON.parse(body).user, `u${user}`, `${when}, user ${user}`);
  }
}

// More of them at a time would keep two cores busier than the deadlines of the cache allow for.
describe("Django's sessions through the session cache of a gateway", { concurrency: 2 }, () => {
  for (const placement of PLACEMENTS) {
    it(`outlive the loss of each node in turn, and the move there and back (${placement})`, async (t) => {
      const nodes = await Promise.all([startMemcached(t), startMemcached(t), startMemcached(t)]);
      const addresses = nodes.map(({ address }) => address);
      const direct = await startSite(t, placement, addresses);
      const users = [...Array(USERS).keys()];
      const ids = await loginAll(direct, users);

      const cache = await startCache(t, placement, addresses);
      const site = await startSite(t, placement, cache.location);
      await assertAllIn(site, ids, 'after the move to the cache');
      await cache.whole();

      for (const [index, node] of nodes.entries()) {
        await node.kill();
        await assertAllIn(site, ids, `without node ${index}`);
        for (const id of ids) await site.ask('/put?click=2', id);
        await assertAllIn(site, ids, `written to without node ${index}`);
        nodes[index] = await restarted(t, node);
        await cache.whole();
      }
      // Another site: the clients of the first one have not got over what its nodes went through.
      const back = await startSite(t, placement, addresses);
      await assertAllIn(back, ids, 'after the move back');

      await site.ask('/logout', ids[0]);
      for (const node of nodes) {
        await node.kill();
        assert.deepEqual(JSON.parse((await site.ask('/show', ids[0])).body), {});
        await startMemcached(t, { port: node.port });
        await cache.whole();
      }
    });
  }

  it('and what each node was asked, and failed, is counted', async (t) => {
    const nodes = await Promise.all([startMemcached(t), startMemcached(t), startMemcached(t)]);
    const addresses = nodes.map(({ address }) => address);
    const cache = await startCache(t, 'pymemcache', addresses);
    await cache.whole();
    const counts = async () => (await cache.state()).nodes.map((node) => node.counts);
    const door = { host: '127.0.0.1', port: cache.port };
    const keys = Array.from({ length: 30 }, (_, n) => `:1:counted${n}`);
    const orders = keys.map(createPlacement('pymemcache', parseNodes(addresses)));

    const sets = keys.map((key) => `set ${key} 0 0 1\r\nx\r\n`).join('');
    assert.equal(await conversation(t, door, `${sets}quit\r\n`), 'STORED\r\n'.repeat(keys.length));
    const stored = await counts();
    // Each on two nodes, and nothing else was asked for a client.
    const ownedBy = (node: number) => orders.filter((order) => order.slice(0, 2).includes(node));
    for (const [node, { operations, failures, latencyMs }] of stored.entries()) {
      assert.equal(operations, ownedBy(node).length);
      assert.equal(failures, 0);
      assert.ok(latencyMs > 0 && latencyMs < 1000 * operations, `${latencyMs} ms`);
    }

    const gets = keys.map((key) => `get ${key}\r\n`).join('');
    await conversation(t, door, `${gets}quit\r\n`);
    const read = (await counts()).map(({ operations }, i) => operations - stored[i]!.operations);
    assert.deepEqual(
      read,
      addresses.map((_, node) => orders.filter(([first]) => first === node).length),
    );

    await nodes[0]!.kill();
    assert.equal(await conversation(t, door, `${sets}quit\r\n`), 'STORED\r\n'.repeat(keys.length));
    const [lost, ...left] = await counts();
    assert.ok(lost!.failures > 0 && lost!.operations - read[0]! - stored[0]!.operations > 0);
    assert.deepEqual(
      left.map(({ failures }) => failures),
      [0, 0],
    );
  });

  it('and its status page shows what each node is believed', async (t) => {
    const nodes = await Promise.all([startMemcached(t), startMemcached(t), startMemcached(t)]);
    const cache = await startCache(
      t,
      'pymemcache',
      nodes.map(({ address }) => address),
    );
    const page = async () => (await fetch(`${cache.admin}/`)).text();
    await until('all are full', async () => (await page()).split('>full<').length === 4);
    await nodes[1]!.kill();
    await until('one is behind', async () => (await page()).includes('>behind<'));
    assert.equal((await page()).split('>full<').length, 3);
  });
});

function restarted(t: TestContext, node: RunningMemcached): Promise<RunningMemcached> {
  return startMemcached(t, { port: node.port });
}
