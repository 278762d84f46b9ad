import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { storeRequest } from '../../src/memcached/byte-requests.ts';
import { Connection } from '../../src/memcached/connection.ts';
import { parseNode } from '../../src/memcached/node-address.ts';
import { findings, of, only } from '../support/doctor.ts';
import { freePorts } from '../support/free-port.ts';
import { temporaryFolder } from '../support/gateway.ts';
import { startMemcached } from '../support/memcached.ts';

describe('the doctor on memcached nodes', () => {
  const settingsOf = (nodes: readonly string[]) => ({ MEMCACHED_SERVERS: nodes.join(',') });

  it('tells version, age, evictions and clocks of those that answer', async (t) => {
    const nodes = await Promise.all([startMemcached(t), startMemcached(t)]);
    const addresses = nodes.map(({ address }) => address);
    const found = await findings(t, settingsOf(addresses));
    for (const address of addresses) {
      const [answer, clock, evictions, ...rest] = of(found, 'memcached', address);
      assert.match(answer!.detail, /^memcached 1\.\d+\.\d+, up for \d+ s, 0 items$/);
      assert.match(clock!.detail, /its clock is within/);
      assert.match(evictions!.detail, /evicted nothing; 0 % of its memory/);
      assert.deepEqual(rest, []);
    }
    const together = only(of(found, 'memcached', 'the nodes together'));
    assert.match(together.detail, /their clocks are within/);
    assert.equal(together.severity, 'ok');
  });

  it('warns of evictions, with their rate and the memory to give', async (t) => {
    const { address } = await startMemcached(t, { megabytes: 2 });
    const connection = new Connection(parseNode(address), { timeoutMs: 10_000 });
    t.after(() => connection.close());
    const value = Buffer.alloc(10_000, 'x');
    for (let n = 0; n < 600; n++) {
      await connection.request(storeRequest('set', `k${n}`, value, 0, 0));
    }
    const found = of(await findings(t, settingsOf([address])), 'memcached', address);
    const evictions = found.find(({ detail }) => detail.includes('evicted'))!;
    assert.equal(evictions.severity, 'warning');
    assert.match(evictions.detail, /it has evicted [1-9]\d* items, [1-9]\d* an hour/);
    assert.match(evictions.remedy!, /-m 4 or more/);
  });

  it('warns of a node that takes shorter values than the session cache, lists no keys, or answers UDP', async (t) => {
    const [udp] = await freePorts(1);
    const { address } = await startMemcached(t, {
      extraArguments: ['-I', '512k', '-X', '-U', String(udp)],
    });
    const found = await findings(t, { ...settingsOf([address]), CACHE_LISTEN: '127.0.0.1:0' });
    const remedies = of(found, 'memcached', address)
      .filter(({ severity }) => severity === 'warning')
      .map(({ remedy }) => remedy);
    assert.deepEqual(remedies, [
      'start it with -I 1048576, or set CACHE_MAX_VALUE_BYTES=524288',
      'start it without -X and without -o no_lru_crawler',
      'start it with -U 0',
    ]);
  });

  it('tells one that is away from one that hangs and from one that asks for a password', async (t) => {
    const away = await startMemcached(t);
    await away.kill();
    const hanging = await startMemcached(t);
    await hanging.pause();
    const folder = temporaryFolder(t);
    chmodSync(folder, 0o755);
    writeFileSync(`${folder}/users`, 'operator:planted-password\n', { mode: 0o644 });
    const closed = await startMemcached(t, { extraArguments: ['-Y', `${folder}/users`] });
    const found = await findings(t, settingsOf([away.address, hanging.address, closed.address]));
    const refusal = ({ address }: { address: string }) => only(of(found, 'memcached', address));
    assert.match(refusal(away).detail, /ECONNREFUSED/);
    assert.match(refusal(hanging).detail, /1750 ms/);
    assert.match(refusal(closed).detail, /asks for a password/);
    assert.match(refusal(closed).remedy!, /without -Y/);
    assert.ok(!JSON.stringify(found).includes('planted-password'));
  });

  it('tells one with SASL, and one that speaks the binary protocol alone', async (t) => {
    const folder = temporaryFolder(t);
    chmodSync(folder, 0o755);
    writeFileSync(`${folder}/memcached.conf`, 'mech_list: plain\n');
    const sasl = await startMemcached(t, {
      extraArguments: ['-S'],
      variables: { SASL_CONF_PATH: folder },
    });
    const binary = await startMemcached(t, { extraArguments: ['-B', 'binary'] });
    const found = await findings(t, settingsOf([sasl.address, binary.address]));
    assert.match(only(of(found, 'memcached', sasl.address)).remedy!, /without SASL \(-S\)/);
    assert.match(only(of(found, 'memcached', binary.address)).remedy!, /without -B binary/);
  });
});
