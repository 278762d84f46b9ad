import assert from 'node:assert/strict';
import { test } from 'node:test';
import { History, percentile } from '../../src/admin/history.ts';
import {
  addRequests,
  LATENCY_BOUNDS_MS,
  NO_REQUESTS,
  RequestCounter,
} from '../../src/relay/request-counts.ts';

test('a point tells what was answered since the one before, by the second', () => {
  const history = new History();
  const counter = new RequestCounter();
  counter.count(200, 3);
  history.sample(1_000, new Map([['portal', counter.read()]]));
  assert.equal(history.points.length, 0, 'the first counts are of an unknown time');
  for (let i = 0; i < 19; i += 1) counter.count(200, 9);
  counter.count(503, 900);
  history.sample(6_000, new Map([['portal', counter.read()]]));
  const traffic = history.latest?.services.portal;
  assert.deepEqual(history.latest?.at, 6_000);
  assert.equal(traffic?.requests, 4);
  assert.equal(traffic?.errors, 0.2);
  assert.ok(traffic?.p50 && traffic.p50 > 7 && traffic.p50 <= 10, String(traffic?.p50));
  assert.ok(traffic?.p95 && traffic.p95 <= 10);
  history.sample(11_000, new Map([['portal', counter.read()]]));
  assert.deepEqual(history.latest?.services.portal, {
    requests: 0,
    errors: 0,
    p50: null,
    p95: null,
  });
});

test('no more points are kept than told, and counts that fall are no traffic', () => {
  const history = new History({ points: 3 });
  const counter = new RequestCounter();
  history.sample(0, new Map([['portal', NO_REQUESTS]]));
  for (let at = 1; at <= 5; at += 1) {
    counter.count(200, 1);
    history.sample(at * 1_000, new Map([['portal', counter.read()]]));
  }
  assert.deepEqual(
    history.points.map(({ at }) => at),
    [3_000, 4_000, 5_000],
  );
  history.sample(6_000, new Map([['portal', NO_REQUESTS]]));
  assert.equal(history.latest?.services.portal?.requests, 0);
  history.sample(5_000, new Map([['portal', counter.read()]]));
  assert.equal(history.latest?.at, 6_000, 'a clock that is set back tells nothing');
});

test('a service that comes with a reload has a figure from its second sample on', () => {
  const history = new History();
  history.sample(0, new Map());
  history.sample(1_000, new Map([['console', NO_REQUESTS]]));
  assert.deepEqual(history.latest?.services, {});
  history.sample(2_000, new Map([['console', NO_REQUESTS]]));
  assert.equal(history.latest?.services.console?.requests, 0);
});

test('a percentile lies within the bounds of what was measured', () => {
  const counter = new RequestCounter();
  for (const ms of [0, 1, 4, 4, 4, 40, 70_000]) counter.count(200, ms);
  const { latency } = counter.read();
  const p50 = percentile(latency, 0.5)!;
  assert.ok(p50 > 3 && p50 <= 5, String(p50));
  assert.equal(percentile(latency, 1), LATENCY_BOUNDS_MS.at(-1));
  assert.equal(percentile(NO_REQUESTS.latency, 0.5), null);
});

test('counts of several processes add up, and who tells none counts as none', () => {
  const one = new RequestCounter();
  const other = new RequestCounter();
  one.count(200, 1);
  one.count(502, 60);
  other.count(404, 60);
  const sum = addRequests([one.read(), undefined, other.read()]);
  assert.deepEqual([sum.answered, sum.errors], [3, 1]);
  assert.equal(
    sum.latency.reduce((total, count) => total + count, 0),
    3,
  );
  assert.equal(sum.latency[LATENCY_BOUNDS_MS.indexOf(70)], 2);
});
