import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { Cluster } from '../../src/memcached/cluster.ts';
import { startCacheGateway } from '../support/cache-gateway.ts';
import { type RunningMemcached, startMemcached } from '../support/memcached.ts';
import { randomFrom } from '../support/random.ts';
import { until } from '../support/until.ts';

const KEYS = Array.from({ length: 40 }, (_, n) => `:1:django.contrib.sessions.cache${n}`);

async function startLab(t: TestContext, count = 3) {
  const nodes = await Promise.all(Array.from({ length: count }, () => startMemcached(t)));
  const addresses = nodes.map(({ address }) => address);
  const start = () => startCacheGateway(t, 'pymemcache', addresses.slice(0, 3));
  const gateways = [await start(), await start()] as const;
  for (const gateway of gateways) await gateway.on(addresses.slice(0, 3));
  return { nodes: nodes as RunningMemcached[], addresses, gateways, start };
}

/** A client of one gateway's cache. */
function clientOf(t: TestContext, { location }: { location: string }): Cluster {
  const client = new Cluster({ nodes: [location], placement: 'pymemcache', timeoutMs: 3_000 });
  t.after(() => client.close());
  return client;
}

describe('a gateway that is killed (SIGKILL)', { concurrency: 2 }, () => {
  it('in the middle of writes has done all that it acknowledged, and undone none of it', async (t) => {
    const lab = await startLab(t);
    const random = randomFrom(4711);
    const [, survivor] = lab.gateways;
    const reader = clientOf(t, survivor);
    let [victim] = lab.gateways as [(typeof lab.gateways)[0], unknown];
    for (let round = 0; round < 4; round++) {
      const writer = clientOf(t, victim);
      /** By key: what was acknowledged last, and what was under way when the gateway was killed. */
      const told = new Map<string, (string | undefined)[]>();
      let written = 0;
      const write = async (key: string) => {
        for (let n = 0; ; n++) {
          const value = random() < 0.3 ? undefined : `${round}-${key}-${n}`;
          const before = told.get(key)?.[0];
          told.set(key, [before, value]);
          if (value === undefined) await writer.delete(key);
          else await writer.set(key, Buffer.from(value), { ttl: 3600 });
          told.set(key, [value]);
          written++;
        }
      };
      const writing = Promise.allSettled(KEYS.map(write));
      const goal = 300 + Math.floor(random() * 300);
      await until('enough is written', () => written > goal, 20_000);
      await victim.kill();
      await writing;
      for (let reading = 0; reading < 2; reading++) {
        for (const [key, possible] of told) {
          const value = (await reader.get(key))?.value.toString();
          assert.ok(possible.includes(value), `${key} is ${value}, not ${possible.join(' or ')}`);
        }
      }
      victim = await lab.start();
      await victim.on(lab.addresses);
    }
  });

  it('while it fills a node leaves that to another', async (t) => {
    const lab = await startLab(t);
    const [first, second] = lab.gateways;
    const client = clientOf(t, second);
    for (const key of KEYS) await client.set(key, Buffer.from(key), { ttl: 3600 });
    const [node] = lab.nodes as [RunningMemcached];
    await node.kill();
    await until('it is missed', async () =>
      (await second.state()).cache!.nodes.some(({ state }) => state === 'behind'),
    );
    await startMemcached(t, { port: node.port });
    await until('it is being filled', async () =>
      (await second.state()).cache!.nodes.some(({ state }) => state === 'refilling'),
    );
    await first.kill();
    await second.on(lab.addresses);
    for (const other of lab.nodes.slice(1, 2)) await other.kill();
    for (const key of KEYS) assert.equal((await client.get(key))?.value.toString(), key);
  });

  it('while the nodes are exchanged leaves that to another, which was never told of them', async (t) => {
    const lab = await startLab(t, 5);
    const [first, second] = lab.gateways;
    const client = clientOf(t, second);
    for (const key of KEYS) await client.set(key, Buffer.from(key), { ttl: 3600 });
    const target = [...lab.addresses.slice(3), lab.addresses[0]!];
    first.reload(target);
    await until('the other knows', async () => (await second.state()).cache!.move !== undefined);
    await first.kill();
    await second.on(target);
    for (const node of lab.nodes.slice(1, 3)) await node.kill();
    for (const key of KEYS) assert.equal((await client.get(key))?.value.toString(), key);
  });
});
