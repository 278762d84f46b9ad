import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBackends } from '../../src/upstream/backend-address.ts';
import { Pool } from '../../src/upstream/pool.ts';
import { rampAt, SlowStart } from '../../src/upstream/slow-start.ts';

function stage(balance: 'roundrobin' | 'leastconn') {
  const clock = { now: 0 };
  const slowStart = new SlowStart(10_000);
  const pool = new Pool('console', parseBackends('http://a:1,http://b:1', assert.fail), {
    balance,
    onChange: (backend) => slowStart.changed(backend, clock.now),
  });
  const at = (now: number) => {
    clock.now = now;
    slowStart.advance(now);
  };
  return { pool, slowStart, at, back: pool.backends[1]! };
}

test('a share grows evenly from a tenth to the whole', () => {
  assert.deepEqual(
    [0, 500, 2_500, 9_999, 10_000, 20_000].map((ms) => rampAt(ms, 10_000)),
    [0.1, 0.1, 0.25, 0.9999, 1, 1],
  );
});

test('a backend that was up from the start has its whole share', () => {
  const { pool, slowStart, back } = stage('roundrobin');
  for (const backend of pool.backends) backend.health = 'up';
  assert.equal(back.ramp, 1);
  assert.equal(slowStart.due, Number.POSITIVE_INFINITY);
});

for (const [what, leave, comeBack] of [
  ['was down', { health: 'down' }, { health: 'up' }],
  ['was ejected', { health: 'up', ejected: true }, { ejected: false }],
  ['was in maintenance', { health: 'up', adminState: 'maint' }, { adminState: 'ready' }],
] as const) {
  test(`a backend that ${what} gets its share of requests little by little`, () => {
    const { pool, slowStart, at, back } = stage('roundrobin');
    pool.backends[0]!.health = 'up';
    Object.assign(back, leave);
    at(1_000);
    Object.assign(back, comeBack);
    assert.equal(back.share, 0.1);
    const served = (count: number) => {
      const picks = Array.from({ length: count }, () => pool.claim()!);
      return picks.filter(({ backend }) => backend === back).length;
    };
    assert.equal(served(110), 10);
    assert.equal(slowStart.due, 1_500);
    at(6_000);
    assert.equal(back.share, 0.5);
    assert.equal(served(150), 50);
    at(11_000);
    assert.equal(back.share, 1);
    assert.equal(served(100), 50);
    assert.equal(slowStart.due, Number.POSITIVE_INFINITY);
  });
}

test('a backend that comes back is not flooded by least connections', () => {
  const { pool, back } = stage('leastconn');
  back.health = 'down';
  for (let i = 0; i < 100; i++) pool.claim();
  back.health = 'up';
  for (let i = 0; i < 50; i++) pool.claim();
  assert.ok(back.active <= 15, String(back.active));
  assert.ok(back.active >= 10);
});

test('a backend that goes down again while it comes back starts over', () => {
  const { pool, slowStart, at, back } = stage('roundrobin');
  pool.backends[0]!.health = 'up';
  back.health = 'down';
  back.health = 'up';
  at(5_000);
  assert.equal(back.share, 0.5);
  back.health = 'down';
  at(6_000);
  back.health = 'up';
  assert.equal(back.share, 0.1);
  assert.equal(slowStart.due, 6_500);
});
