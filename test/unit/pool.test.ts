import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseBackends } from '../../src/upstream/backend-address.ts';
import { type Lease, type Outcome, Pool, type PoolOptions } from '../../src/upstream/pool.ts';

function poolOf(text: string, options?: PoolOptions): Pool {
  return new Pool('portal', parseBackends(text, assert.fail), options);
}

function names(pool: Pool, count: number): string {
  return Array.from({ length: count }, () => pool.claim()?.backend.name ?? '-').join(' ');
}

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

  test('counts tunnels apart from exchanges, and not twice', () => {
    const pool = poolOf('http://a:1');
    const [backend] = pool.backends;
    const lease = pool.claim()!;
    pool.claim();
    lease.becomeTunnel();
    lease.becomeTunnel();
    assert.deepEqual([backend!.active, backend!.tunnels], [2, 1]);
    lease.release('ok');
    lease.becomeTunnel();
    assert.deepEqual([backend!.active, backend!.tunnels], [1, 0]);
  });

  test('counts failures in a row until a success, of which a tunnel is one when it begins', () => {
    const told: string[] = [];
    const pool = poolOf('http://a:1', { onFailure: (_, outcome) => told.push(outcome) });
    const [backend] = pool.backends;
    const end = (outcome: Outcome) => pool.claim()!.release(outcome);
    const tunnel = pool.claim()!;
    tunnel.becomeTunnel();
    end('failed');
    end('error');
    end('aborted');
    assert.deepEqual([backend!.failedInARow, backend!.failed], [2, 1]);
    tunnel.release('ok');
    assert.equal(backend!.failedInARow, 2, 'a tunnel may end because its backend does');
    pool.claim()!.becomeTunnel();
    assert.equal(backend!.failedInARow, 0);
    end('failed');
    end('ok');
    assert.equal(backend!.failedInARow, 0);
    assert.deepEqual(told, ['failed', 'error', 'failed']);
  });

  test('turns to what was ejected only where nothing else is left, backups included', () => {
    const pool = poolOf('http://a:1,http://b:1,http://c:1 backup');
    const [a, b, c] = pool.backends;
    a!.ejected = true;
    assert.equal(names(pool, 2), 'b:1 b:1');
    b!.health = 'down';
    assert.equal(names(pool, 2), 'c:1 c:1');
    c!.health = 'down';
    assert.equal(names(pool, 2), 'a:1 a:1');
    assert.equal(pool.hasUsableBeyond(new Set()), true);
    a!.adminState = 'drain';
    assert.equal(names(pool, 1), '-');
    assert.equal(pool.hasUsableBeyond(new Set()), false);
  });

  test('gives a backend of weight 0 to those alone who are bound to it', () => {
    const pool = poolOf('http://a:1 name=a,http://b:1 name=b');
    pool.backends[0]!.weight = 0;
    assert.equal(names(pool, 3), 'b b b');
    assert.equal(pool.claim({ prefer: 'a' })?.backend.name, 'a');
    assert.equal(pool.claim({ pinned: 'a' })?.backend.name, 'a');
    pool.backends[1]!.health = 'down';
    assert.equal(names(pool, 1), '-');
  });

  test('a pin holds while its backend is usable and has room, and waits for nothing', () => {
    const pool = poolOf('http://a:1 name=a maxconn=1,http://b:1 name=b,http://c:1 name=c backup');
    assert.equal(pool.claim({ pinned: 'a' })?.backend.name, 'a');
    assert.equal(pool.claim({ pinned: 'a' })?.backend.name, 'b', 'it is full');
    assert.equal(pool.claim({ pinned: 'nonsense' })?.backend.name, 'b');
    assert.equal(pool.claim({ pinned: 'c' })?.backend.name, 'b', 'a backup waits for its turn');
    assert.equal(pool.claim({ pinned: 'b', exclude: new Set([pool.backends[1]!]) }), undefined);
    pool.backends[1]!.ejected = true;
    assert.equal(pool.claim({ pinned: 'b' }), undefined);
  });

  test('fills by least connections up to maxconn, then has the rest wait', async () => {
    const pool = poolOf('http://a:1 maxconn=2,http://b:1 maxconn=3', { balance: 'leastconn' });
    const leases = Array.from({ length: 5 }, () => pool.claim()!);
    assert.deepEqual(
      pool.backends.map(({ active }) => active),
      [2, 3],
    );
    const waiting = pool.claimOrWait();
    assert.equal(pool.queued, 1);
    leases.find(({ backend }) => backend.name === 'b:1')!.release('ok');
    assert.equal((await waiting).backend.name, 'b:1');
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

  test('tells when requests find no room, and for a while that some were turned away', async (t) => {
    let now = 0;
    t.mock.method(performance, 'now', () => now);
    let told = 0;
    const pool = poolOf('http://a:1 maxconn=1', { queueLimit: 1, onLimit: () => (told += 1) });
    pool.claim();
    assert.equal(told, 0);
    const leaver = new AbortController();
    const waits = pool.claimOrWait({}, leaver.signal);
    assert.deepEqual([told, pool.turnsAway], [1, false]);
    await assert.rejects(pool.claimOrWait());
    assert.deepEqual([told, pool.turnsAway], [2, true]);
    now = 999;
    assert.equal(pool.turnsAway, true);
    now = 1_000;
    assert.equal(pool.turnsAway, false);
    leaver.abort(new Error('gone'));
    await assert.rejects(waits);
  });

  test('tells when a lease has ended that was beyond a limit lowered since, and of no other', () => {
    let told = 0;
    const pool = poolOf('http://a:1 maxconn=3', { onLimit: () => (told += 1) });
    const leases = [pool.claim()!, pool.claim()!, pool.claim()!];
    pool.backends[0]!.limit = 2;
    leases.pop()!.release('ok');
    assert.equal(told, 1);
    leases.pop()!.release('ok');
    assert.equal(told, 1);
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
