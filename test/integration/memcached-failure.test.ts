import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ProtocolError, UnavailableError } from '../../src/memcached/client.ts';
import { Cluster, type ClusterOptions } from '../../src/memcached/cluster.ts';
import { parseNodes } from '../../src/memcached/node-address.ts';
import { createPlacement } from '../../src/memcached/placement.ts';
import { startMemcached } from '../support/memcached.ts';

const CLUSTER = fileURLToPath(new URL('../../src/memcached/cluster.ts', import.meta.url));

describe('a memcached cluster whose nodes fail', () => {
  it('answers unavailable, never a miss, for a node that is killed in the middle of traffic, and serves the others', async (t) => {
    const nodes = await Promise.all([startMemcached(t), startMemcached(t), startMemcached(t)]);
    const addresses = nodes.map(({ address }) => address);
    const { client, states } = watch(t, { nodes: addresses });
    const orderOf = createPlacement('pymemcache', parseNodes(addresses));
    const keys = Array.from({ length: 90 }, (_, n) => `key-${n}`);
    await Promise.all(keys.map((key) => client.set(key, Buffer.from(key))));

    const [victim] = nodes;
    let killed: Promise<void> | undefined;
    let unavailable = 0;
    // 20 rounds before the kill, then on until the node is known to be down, then 20 more.
    for (let round = 0; round < 40 || client.nodeStates().get(victim.address) !== 'down'; round++) {
      if (round === 20) killed = victim.kill();
      const asked = keys.map((key) => client.get(key));
      for (const [index, outcome] of (await Promise.allSettled(asked)).entries()) {
        const key = keys[index]!;
        if (outcome.status === 'fulfilled') {
          assert.equal(outcome.value?.value.toString(), key);
        } else {
          assert.ok(outcome.reason instanceof UnavailableError);
          assert.equal(outcome.reason.node, victim.address);
          assert.equal(orderOf(key)[0], 0, 'only keys of the killed node fail');
          unavailable++;
        }
      }
    }
    await killed;
    assert.ok(unavailable > 0);

    const theirs = keys.filter((key) => orderOf(key)[0] === 0);
    await assert.rejects(client.getMany(keys), UnavailableError);
    await assert.rejects(client.set(theirs[0]!, Buffer.from('x')), UnavailableError);

    const back = once(states, `${victim.address} up`);
    await startMemcached(t, { port: victim.port });
    await back;
    assert.equal(await client.get(theirs[0]!), undefined, 'the memory of a killed node is gone');
    await client.set(theirs[0]!, Buffer.from('again'));
    assert.equal((await client.getMany(keys)).size, keys.length - theirs.length + 1);
  });

  it('fails all that waits on a silent node at its deadline, then at once, and recovers with every value right', async (t) => {
    const node = await startMemcached(t);
    const { client, states } = watch(t, { nodes: [node.address], timeoutMs: 200 });
    const keys = Array.from({ length: 200 }, (_, n) => `key-${n}`);
    await Promise.all(keys.map((key) => client.set(key, Buffer.from(`value of ${key}`))));

    await node.pause();
    const outcomes = await Promise.allSettled(keys.map((key) => client.get(key)));
    for (const outcome of outcomes) {
      assert.ok(outcome.status === 'rejected' && outcome.reason instanceof UnavailableError);
      assert.match(outcome.reason.message, /no answer within 200 ms/);
    }
    // Known to be down, it is not waited for: the rejection comes before the next turn of the loop.
    const refused = client.get(keys[0]!).then(
      () => 'answered',
      (error: Error) => error.name,
    );
    assert.equal(await Promise.race([refused, turn('still waiting')]), 'UnavailableError');

    const back = once(states, `${node.address} up`);
    node.resume();
    await back;
    const values = await Promise.all(keys.map((key) => client.get(key)));
    for (const [index, item] of values.entries()) {
      assert.equal(item?.value.toString(), `value of ${keys[index]}`);
    }
  });

  it('does not blame a node for a time in which this process itself stood still', async (t) => {
    const node = await startMemcached(t);
    const { client } = watch(t, { nodes: [node.address], timeoutMs: 50 });
    await client.set('key', Buffer.from('value'));
    const asked = client.get('key');
    await turn();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 120);
    assert.equal((await asked)?.value.toString(), 'value');
  });

  it('connects again without a failure after the node closed an idle connection', async (t) => {
    const node = await startMemcached(t);
    const { client, states } = watch(t, { nodes: [node.address] });
    const downs: unknown[] = [];
    states.on(`${node.address} down`, (error) => downs.push(error));
    await client.set('key', Buffer.from('value'));
    await node.kill();
    await startMemcached(t, { port: node.port });
    assert.equal(await client.get('key'), undefined);
    assert.deepEqual(downs, []);
  });

  it('is unavailable where nothing listens, and says why', async (t) => {
    const node = await startMemcached(t);
    await node.kill();
    const { client, states } = watch(t, { nodes: [node.address] });
    const down = once(states, `${node.address} down`);
    await assert.rejects(client.get('key'), /unavailable: connect ECONNREFUSED/);
    await down;
    const ping = (await client.ping()).get(node.address);
    assert.ok(ping !== undefined && 'error' in ping && ping.error instanceof UnavailableError);
    assert.deepEqual([...client.nodeStates()], [[node.address, 'down']]);
  });

  it('tells of each change of a node once', async (t) => {
    const node = await startMemcached(t);
    const told: string[] = [];
    const { client, states } = watch(t, { nodes: [node.address] });
    states.on(`${node.address} up`, () => told.push('up'));
    states.on(`${node.address} down`, () => told.push('down'));
    await Promise.all([client.get('a'), client.get('b')]);
    await client.get('c');
    await node.kill();
    await Promise.allSettled([client.get('a'), client.get('b')]);
    await Promise.allSettled([client.get('a'), client.get('b')]);
    const back = once(states, `${node.address} up`);
    await startMemcached(t, { port: node.port });
    await back;
    await client.get('a');
    assert.deepEqual(told, ['up', 'down', 'up']);
  });

  it('stays in step with a node that is out of memory', async (t) => {
    // -M: an error instead of evictions.
    const node = await startMemcached(t, { megabytes: 2, extraArguments: ['-M'] });
    const { client } = watch(t, { nodes: [node.address], timeoutMs: 10_000 });
    const keys = Array.from({ length: 100 }, (_, n) => `key-${n}`);
    const value = (key: string) => Buffer.alloc(100_000, key);
    const outcomes = await Promise.allSettled(keys.map((key) => client.set(key, value(key))));

    const stored = keys.filter((_, index) => outcomes[index]!.status === 'fulfilled');
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    assert.ok(stored.length > 0 && refused.length > 0);
    for (const { reason } of refused) {
      assert.ok(reason instanceof ProtocolError);
      assert.match(reason.message, /SERVER_ERROR out of memory storing object/);
    }
    const found = await client.getMany(stored);
    for (const key of stored) assert.deepEqual(found.get(key)?.value, value(key));
  });

  it('is unavailable where the node has too many connections', async (t) => {
    const node = await startMemcached(t, { extraArguments: ['-c', '40', '-t', '1'] });
    for (let n = 0; n < 60; n++) {
      const socket = connect(node.port, node.host);
      t.after(() => socket.destroy());
      socket.on('error', () => {});
      await once(socket, 'connect');
    }
    const { client } = watch(t, { nodes: [node.address] });
    await assert.rejects(
      client.get('key'),
      /unavailable: it said "ERROR Too many open connections"/,
    );
  });

  it('rejects what waits, and all that comes later, once it is closed', async (t) => {
    const node = await startMemcached(t);
    const { client } = watch(t, { nodes: [node.address] });
    await client.set('key', Buffer.from('x'));
    const waiting = client.get('key');
    client.close();
    await assert.rejects(waiting, /the client was closed/);
    await assert.rejects(client.get('key'), /the client is closed/);
  });

  it('does not keep the process alive, neither with a connection nor while a node is down', async (t) => {
    const [up, down] = await Promise.all([startMemcached(t), startMemcached(t)]);
    await down.kill();
    const script = `
      import { Cluster } from ${JSON.stringify(CLUSTER)};
      const up = new Cluster({ nodes: ['${up.address}'], placement: 'pylibmc' });
      const down = new Cluster({ nodes: ['${down.address}'], placement: 'pylibmc' });
      await up.set('key', Buffer.from('value'));
      console.log(String((await up.get('key')).value));
      await down.get('key').catch((error) => console.log(error.name));
    `;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => child.kill('SIGKILL'));
    const [output] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    assert.equal(output, 'value\nUnavailableError\n');
    assert.equal(child.exitCode, 0);
  });
});

/** A client, and an emitter of `<node> up` and `<node> down`. */
function watch(t: TestContext, options: Omit<ClusterOptions, 'placement' | 'onNodeState'>) {
  const states = new EventEmitter();
  const client = new Cluster({
    timeoutMs: 5000,
    placement: 'pymemcache',
    backoff: { firstMs: 20, maxMs: 100 },
    ...options,
    onNodeState: (node, state, error) => states.emit(`${node} ${state}`, error),
  });
  t.after(() => client.close());
  return { client, states };
}
