import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { CacheHealth } from '../../src/cache/cache-health.ts';
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
  return { location: [`127.0.0.1:${gateway.addresses.cache!.port}`], whole, admin };
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

describe("Django's sessions through the session cache of a gateway", { concurrency: true }, () => {
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
