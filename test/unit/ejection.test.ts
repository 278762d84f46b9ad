import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseBackends } from '../../src/upstream/backend-address.ts';
import { type EjectionPolicy, OutlierEjection } from '../../src/upstream/ejection.ts';
import { Pool } from '../../src/upstream/pool.ts';

const POLICY: EjectionPolicy = { failures: 3, baseMs: 10_000, maxMs: 25_000, percent: 50 };

/** A pool whose failures are judged by the policy, at times that the test tells. */
function stageOf(text: string, policy: Partial<EjectionPolicy> = {}) {
  const clock = { now: 0 };
  const told: string[] = [];
  const pool = new Pool('console', parseBackends(text, assert.fail), {
    onFailure: (backend) => ejection.failed(backend, clock.now),
  });
  const ejection = new OutlierEjection(
    pool.backends,
    { ...POLICY, ...policy },
    ({ name }, forMs) => told.push(`${name} out for ${forMs}`),
    ({ name }) => told.push(`${name} in`),
  );
  const backendOf = (name: string) => pool.backends.find((backend) => backend.name === name)!;
  return {
    pool,
    told,
    ejection,
    clock,
    backendOf,
    fail(name: string, times: number) {
      for (let i = 0; i < times; i++) pool.claim({ prefer: name })?.release('failed');
    },
    at(now: number) {
      clock.now = now;
      ejection.advance(now);
    },
  };
}

describe('outlier ejection', () => {
  test('takes a backend in before its time when its health check has recovered, too', () => {
    const { told, ejection, fail, backendOf } = stageOf('http://a:1 name=a,http://b:1 name=b');
    ejection.recovered(backendOf('a'), 1);
    fail('a', 3);
    ejection.recovered(backendOf('b'), 1_000);
    assert.equal(backendOf('a').ejected, true, 'another one has recovered');
    ejection.recovered(backendOf('a'), 2_000);
    assert.equal(backendOf('a').ejected, false);
    assert.deepEqual(told, ['a out for 10000', 'a in']);
    assert.equal(ejection.due, Number.POSITIVE_INFINITY);
  });

  test('leaves out a backend that failed so many times in a row, and takes it in again', () => {
    const { pool, told, ejection, fail, at, backendOf } = stageOf(
      'http://a:1 name=a,http://b:1 name=b',
    );
    fail('a', 2);
    pool.claim({ prefer: 'a' })!.release('ok');
    fail('a', 2);
    assert.equal(backendOf('a').ejected, false, 'a success came between');
    fail('a', 1);
    assert.equal(backendOf('a').ejected, true);
    assert.equal(ejection.due, 10_000);
    assert.deepEqual(
      Array.from({ length: 3 }, () => pool.claim()?.backend.name),
      ['b', 'b', 'b'],
    );
    at(9_999);
    assert.equal(backendOf('a').ejected, true);
    at(10_000);
    assert.equal(backendOf('a').ejected, false);
    assert.equal(ejection.due, Number.POSITIVE_INFINITY);
    fail('a', 2);
    assert.equal(backendOf('a').ejected, false, 'it starts anew');
    assert.deepEqual(told, ['a out for 10000', 'a in']);
  });

  test('an error that a backend answers counts as a failure does', () => {
    const { pool, backendOf } = stageOf('http://a:1 name=a,http://b:1 name=b');
    for (const outcome of ['error', 'failed', 'error'] as const) {
      pool.claim({ prefer: 'a' })!.release(outcome);
    }
    assert.equal(backendOf('a').ejected, true);
    assert.equal(backendOf('a').failed, 1);
  });

  test('lasts longer each time that follows soon, up to a limit, and is forgiven', () => {
    const { told, fail, at } = stageOf('http://a:1 name=a,http://b:1 name=b');
    let now = 0;
    for (const forMs of [10_000, 20_000, 25_000, 25_000]) {
      fail('a', 3);
      assert.equal(told.at(-1), `a out for ${forMs}`);
      now += forMs;
      at(now);
    }
    // Four ejections; 20 s without one make up for two of them.
    at(now + 20_000);
    fail('a', 3);
    assert.equal(told.at(-1), 'a out for 25000');
    at(now + 45_000 + 100_000);
    fail('a', 3);
    assert.equal(told.at(-1), 'a out for 10000');
  });

  test('never leaves out more than its cap, but one of few', () => {
    const five = stageOf([1, 2, 3, 4, 5].map((i) => `http://a:${i} name=${i}`).join(','));
    for (const name of ['1', '2', '3', '4']) five.fail(name, 3);
    assert.deepEqual(
      five.pool.backends.filter(({ ejected }) => ejected).map(({ name }) => name),
      ['1', '2'],
    );
    const two = stageOf('http://a:1 name=a,http://b:1 name=b', { percent: 10 });
    two.fail('a', 3);
    assert.equal(two.backendOf('a').ejected, true);
  });

  test('never leaves out the last that is usable', () => {
    const alone = stageOf('http://a:1 name=a');
    alone.fail('a', 10);
    assert.equal(alone.backendOf('a').ejected, false);
    const { backendOf, fail } = stageOf('http://a:1 name=a,http://b:1 name=b,http://c:1 name=c', {
      percent: 100,
    });
    backendOf('b').health = 'down';
    backendOf('c').weight = 0;
    fail('a', 10);
    assert.equal(backendOf('a').ejected, false);
    backendOf('c').weight = 1;
    fail('a', 1);
    assert.equal(backendOf('a').ejected, true);
    fail('c', 10);
    assert.equal(backendOf('c').ejected, false);
  });

  test('says nothing of health and of what the operator wants', () => {
    const { backendOf, fail } = stageOf('http://a:1 name=a,http://b:1 name=b');
    backendOf('a').health = 'up';
    fail('a', 3);
    const { health, adminState, usable, available } = backendOf('a');
    assert.deepEqual([health, adminState, usable, available], ['up', 'ready', false, true]);
  });
});
