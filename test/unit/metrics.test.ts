import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AggregatorRegistry, type MetricObject } from 'prom-client';
import { addUp, type Counts } from '../../src/admin/counts.ts';
import { Families } from '../../src/admin/metric-families.ts';
import { addTrafficMetrics } from '../../src/admin/metrics-traffic.ts';
import { GatewayError } from '../../src/errors.ts';
import { Ledger } from '../../src/gateway/ledger.ts';
import { RelayMeter } from '../../src/gateway/relay-meter.ts';
import { RelayCounters } from '../../src/relay/relay-counters.ts';
import { parseBackends } from '../../src/upstream/backend-address.ts';
import { Pool } from '../../src/upstream/pool.ts';
import { EXCHANGE } from '../support/exchange-record.ts';

const told = (accepted: number, open: number): Counts => ({
  totals: {
    listeners: {
      portal: {
        accepted,
        fullHandshakes: 0,
        resumptions: 0,
        refused: { accept: 0, limit: 0, address: 0, proxyHeader: 0, handshake: 0 },
      },
    },
  },
  levels: { downstream: { portal: open } },
});

test('totals add up name by name, and what only one of them has stays', () => {
  const one = { cpu: { relay: 1 }, services: {} };
  const other = { cpu: { relay: 2, cache: 5 }, listeners: told(3, 0).totals.listeners! };
  const sum = addUp<Counts['totals']>(one, other);
  assert.deepEqual(sum, { ...other, services: {}, cpu: { relay: 3, cache: 5 } });
});

test('what a process has counted outlives it, and what it held does not', () => {
  const ledger = new Ledger();
  const [one, other] = [{}, {}];
  ledger.note(one, told(5, 2));
  ledger.note(one, told(7, 1));
  ledger.follow(other, () => told(10, 4));
  assert.deepEqual(ledger.counts(), told(17, 5));
  ledger.close(one);
  ledger.close(one);
  assert.deepEqual(ledger.counts(), told(17, 4));
  ledger.close(other);
  assert.deepEqual(ledger.counts().totals, told(17, 0).totals);
  assert.deepEqual(ledger.counts().levels, {});
});

test('a meter sorts requests by class, duration and backend, and passes all on', async () => {
  const passed: unknown[] = [];
  const meter = new RelayMeter({
    answered: (record) => passed.push(record),
    failed: (id) => passed.push(id),
    tunnelOpened: (backend) => passed.push(backend),
    tunnelClosed: (...told) => passed.push(told),
  });
  const pool = new Pool(
    'portal',
    parseBackends('http://127.0.0.1:1 name=one', () => {}),
  );
  const answered = (status: number, exactMs: number, backend?: string) =>
    meter.answered({ ...EXCHANGE, status, exactMs, backend });
  answered(200, 5, 'one');
  answered(404, 5.1, 'one');
  answered(999, 70_000, 'one');
  answered(0, 1);
  meter.answered({ ...EXCHANGE, status: 503, exactMs: 1, backend: 'one', responseMs: -1 });
  meter.failed('r', new GatewayError('headTooLarge', 'x'));
  meter.tunnelOpened('one');
  const tunnel = { requestId: 'r', client: 'c', backend: 'one', received: 0, sent: 0 };
  const ending = { ms: 2_000, code: 1001, reason: 'x', termination: 'KD' } as const;
  meter.tunnelClosed({ ...tunnel, ...ending }, EXCHANGE, 'drained');
  assert.equal(passed.length, 8);
  const totals = meter.totals(pool, new RelayCounters());
  assert.deepEqual(totals.codes, [1, 1, 1, 0, 1, 2]);
  assert.deepEqual(totals.backends.one!.codes, [0, 1, 1, 0, 1, 1]);
  assert.deepEqual(totals.durations.buckets, [3, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
  assert.equal(totals.failures.headTooLarge, 1);
  assert.deepEqual([totals.tunnels.opened, totals.tunnels.ended.drained], [1, 1]);
  assert.deepEqual(totals.tunnels.durations.buckets, [0, 1, 0, 0, 0, 0, 0, 0]);

  // A gateway of another version, whose place this one takes, may count what is not known here.
  const failures = { ...totals.failures, ofTomorrow: 2 };
  const families = new Families();
  addTrafficMetrics(families, { services: [{ name: 'portal', backends: [] }] } as never, {
    totals: { services: { portal: { ...totals, failures } } },
    levels: {},
  });
  const told = AggregatorRegistry.aggregate([families.all as unknown as MetricObject[]]);
  assert.match(
    await told.metrics(),
    /failures_total\{service="portal",cause="ofTomorrow",code="unknown"\} 2/,
  );
});

test('families become the text that Prometheus reads, whatever labels say', async () => {
  const families = new Families();
  families.histogram('d_seconds', 'Time.', { a: 'b' }, [0.5, 2], { buckets: [3, 0, 1], sum: 9.5 });
  families.states('s', 'State.', {}, ['up', 'down'], 'down');
  families.counter('c_total', 'Count.', { name: 'a"b\\c\nd' }, 2);
  const told = AggregatorRegistry.aggregate([families.all as unknown as MetricObject[]]);
  assert.equal(
    await told.metrics(),
    `# HELP d_seconds Time.
# TYPE d_seconds histogram
d_seconds_bucket{le="0.5",a="b"} 3
d_seconds_bucket{le="2",a="b"} 3
d_seconds_bucket{le="+Inf",a="b"} 4
d_seconds_sum{a="b"} 9.5
d_seconds_count{a="b"} 4

# HELP s State.
# TYPE s gauge
s{state="up"} 0
s{state="down"} 1

# HELP c_total Count.
# TYPE c_total counter
c_total{name="a\\"b\\\\c\\nd"} 2
`,
  );
});
