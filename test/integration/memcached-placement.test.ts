import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it, type TestContext } from 'node:test';
import { startEmbeddedMemcached } from '../../src/demo/embedded-memcached.ts';
import { parseNodes } from '../../src/memcached/node-address.ts';
import { createPlacement, PLACEMENTS, type Placement } from '../../src/memcached/placement.ts';
import { type MemcachedOptions, startMemcached } from '../support/memcached.ts';
import { placeWithRealClient } from '../support/placement-clients.ts';

const KEYS = 2000;

describe('placement agrees with the real client libraries', () => {
  for (const placement of PLACEMENTS) {
    it(`${placement} puts ${KEYS} keys on three nodes where the real client does`, async (t) => {
      await assertSamePlacement(placement, await start(t, [{}, {}, {}]));
    });

    // libmemcached names a node on port 11211 without its port, pymemcache an IPv6 address without
    // its brackets. 11211 is taken on an address of loopback that nothing else uses.
    it(`${placement} does so on five, one on port 11211 and one on IPv6`, async (t) => {
      const special = [{ host: '127.0.0.2', port: 11211 }, { host: '::1' }];
      await assertSamePlacement(placement, await start(t, [{}, ...special, {}, {}]));
    });
  }
});

describe('the embedded memcached', () => {
  for (const placement of PLACEMENTS) {
    it(`serves the real client of ${placement}`, async (t) => {
      const servers = await Promise.all([1, 2, 3].map(() => startEmbeddedMemcached()));
      t.after(() => Promise.all(servers.map((server) => server.close())));
      const nodes = servers.map(({ host, port }) => `${host}:${port}`);
      await assertSamePlacement(placement, nodes, 300);
    });
  }
});

async function start(t: TestContext, nodes: readonly MemcachedOptions[]): Promise<string[]> {
  const started = await Promise.all(nodes.map((options) => startMemcached(t, options)));
  return started.map(({ address }) => address);
}

async function assertSamePlacement(placement: Placement, nodes: string[], count = KEYS) {
  const keys = Array.from({ length: count }, (_, index) => randomKey(index));
  const real = await placeWithRealClient(placement, nodes, keys);
  const orderOf = createPlacement(placement, parseNodes(nodes));
  const ours = keys.map((key) => orderOf(key)[0]);
  assert.deepEqual(ours, real);
  assert.deepEqual(new Set(real), new Set(nodes.keys()), 'every node took part');
}

/** Mostly session keys; some of other lengths, and some that are not ASCII. */
function randomKey(index: number): string {
  const random = randomBytes(16).toString('hex');
  if (index % 10 === 0) return `${'k'.repeat(index % 7)}${random}`;
  if (index % 10 === 1) return `ключ-é-漢字-😀-${random}`;
  return `:1:django.contrib.sessions.cache${random}`;
}
