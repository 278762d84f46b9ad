import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseBackends } from '../../src/upstream/backend-address.ts';
import { type Lease, Pool, type PoolOptions } from '../../src/upstream/pool.ts';
import { WeightedRoundRobin } from '../../src/upstream/selection.ts';

function poolOf(text: string, options?: PoolOptions): Pool {
  return new Pool('portal', parseBackends(text, assert.fail), options);
}

function names(pool: Pool, count: number): string {
  return Array.from({ length: count }, () => pool.claim()?.backend.name ?? '-').join(' ');
}

describe('weighted round robin', () => {
  test('spreads picks evenly by weight', () => {
    const a = { weight: 5 };
    const b = { weight: 1 };
    const c = { weight: 1 };
    const selection = new WeightedRoundRobin([a, b, c]);
    const label = new Map([
      [a, 'a'],
      [b, 'b'],
      [c, 'c'],
    ]);
    const picks = Array.from({ length: 14 }, () => label.get(selection.pick(() => true)!));
    assert.equal(picks.join(''), 'aabacaaaabacaa');
  });

  test('has no pick where there is nothing to pick', () => {
    assert.equal(
      new WeightedRoundRobin([]).pick(() => true),
      undefined,
    );
    assert.equal(
      new WeightedRoundRobin([{ weight: 0 }]).pick(() => true),
      undefined,
    );
    assert.equal(
      new WeightedRoundRobin([{ weight: 1 }]).pick(() => false),
      undefined,
    );
  });
});

describe('a pool', () => {
  test('leaves out what is down, draining or in maintenance', () => {
    const pool = poolOf('http://a:1,http://b:1,http://c:1,http://d:1');
    pool.backends[0]!.health = 'down';
    pool.backends[1]!.adminState = 'drain';
    pool.backends[2]!.adminState = 'maint';
    assert.equal(names(pool, 2), 'd:1 d:1');
  });

  test('uses backup backends only while no other is usable', () => {
    const pool = poolOf('http://a:1,http://b:1 backup');
    assert.equal(names(pool, 2), 'a:1 a:1');
    pool.backends[0]!.health = 'down';
    assert.equal(names(pool, 2), 'b:1 b:1');
    pool.backends[0]!.health = 'up';
    assert.equal(names(pool, 1), 'a:1');
  });

  test('a full primary is waited for rather than sent to a backup', () => {
    const pool = poolOf('http://a:1 maxconn=1,http://b:1 backup');
    assert.equal(names(pool, 2), 'a:1 -');
  });

  test('keeps each backend within its maxconn', () => {
    const pool = poolOf('http://a:1 maxconn=1,http://b:1 maxconn=2');
    assert.equal(names(pool, 4).split(' ').sort().join(' '), '- a:1 b:1 b:1');
  });

  test('a lease is given back once, however often it is released', () => {
    const pool = poolOf('http://a:1');
    const lease = pool.claim()!;
    pool.claim();
    lease.release('ok');
    lease.release('failed');
    assert.equal(pool.backends[0]!.active, 1);
    assert.equal(pool.backends[0]!.failed, 0);
  });

  test('prefers the backend that affinity names, if it is usable', () => {
    const pool = poolOf('http://a:1 name=a,http://b:1 name=b');
    assert.equal(pool.claim({ prefer: 'b' })?.backend.name, 'b');
    assert.equal(pool.claim({ prefer: 'b' })?.backend.name, 'b');
    pool.backends[1]!.health = 'down';
    assert.equal(pool.claim({ prefer: 'b' })?.backend.name, 'a');
    assert.equal(pool.claim({ prefer: 'nonsense' })?.backend.name, 'a');
  });

  test('says at once that nothing is usable', async () => {
    const pool = poolOf('http://a:1');
    pool.backends[0]!.health = 'down';
    await assert.rejects(pool.claimOrWait(), { kind: 'noBackend' });
  });

  test('serves those who wait in the order in which they came', async () => {
    const pool = poolOf('http://a:1 maxconn=1');
    const first = pool.claim()!;
    const served: string[] = [];
    const wait = (name: string) =>
      pool.claimOrWait().then((lease) => {
        served.push(name);
        return lease;
      });
    const second = wait('second');
    const third = wait('third');
    assert.equal(pool.queued, 2);
    first.release('ok');
    (await second).release('ok');
    await third;
    assert.deepEqual(served, ['second', 'third']);
    assert.equal(pool.queued, 0);
  });

  test('nobody waits behind one who waits for another backend', async () => {
    const pool = poolOf('http://a:1 name=a maxconn=1,http://b:1 name=b');
    pool.claim({ prefer: 'a' });
    const bound = pool.claimOrWait({ prefer: 'a' });
    assert.equal((await pool.claimOrWait()).backend.name, 'b');
    pool.backends[0]!.health = 'down';
    pool.admit();
    assert.equal((await bound).backend.name, 'b');
  });

  test('a wait ends at its deadline, at the limit of the queue, and when the client goes', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const pool = poolOf('http://a:1 maxconn=1', { queueTimeoutMs: 1_000, queueLimit: 2 });
    pool.claim();
    const late = pool.claimOrWait();
    const leaver = new AbortController();
    const left = pool.claimOrWait({}, leaver.signal);
    await assert.rejects(pool.claimOrWait(), {
      kind: 'queueTimeout',
      message: /full \(2 waiting\)/,
    });
    leaver.abort(new Error('gone'));
    await assert.rejects(left, { message: 'gone' });
    t.mock.timers.tick(1_000);
    await assert.rejects(late, { kind: 'queueTimeout', message: /within 1000 ms/ });
    assert.equal(pool.queued, 0);
  });

  test('those who wait are told when the last backend goes down', async () => {
    const pool = poolOf('http://a:1 maxconn=1');
    pool.claim();
    const waiting = pool.claimOrWait();
    pool.backends[0]!.health = 'down';
    pool.admit();
    await assert.rejects(waiting, { kind: 'noBackend' });
  });

  test('random claims and releases never lose count', async () => {
    const pool = poolOf('http://a:1 maxconn=3,http://b:1 maxconn=2 weight=3,http://c:1 backup');
    let seed = 42;
    const random = (n: number) => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return (seed >>> 8) % n;
    };
    const held: Lease[] = [];
    for (let i = 0; i < 5_000; i++) {
      if (random(2) === 0) {
        const lease = pool.claim();
        if (lease) held.push(lease);
      } else if (held.length > 0) {
        held.splice(random(held.length), 1)[0]!.release(random(2) === 0 ? 'ok' : 'failed');
      }
      const active = pool.backends.reduce((sum, backend) => sum + backend.active, 0);
      assert.equal(active, held.length);
      for (const backend of pool.backends) {
        assert.ok(backend.active >= 0);
        assert.ok(backend.address.maxconn === 0 || backend.active <= backend.address.maxconn);
      }
    }
    assert.ok(pool.backends[0]!.claimed > 100);
  });
});
