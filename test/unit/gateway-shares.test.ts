import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseConfig } from '../../src/config.ts';
import { Limits } from '../../src/gateway/limits.ts';
import { type DataReport, NO_REFUSALS } from '../../src/gateway/messages.ts';
import { partOf } from '../../src/gateway/share.ts';
import { pauseAfter } from '../../src/gateway/slot.ts';
import { Tally } from '../../src/gateway/tally.ts';
import { workersOf } from '../../src/gateway/worker-count.ts';

describe('a share', () => {
  test('is as large as any other, but for one, and all of them are the whole', () => {
    for (const count of [1, 2, 3, 7]) {
      for (const whole of [0, 1, 6, 7, 100]) {
        for (const turn of [0, 1, 5]) {
          const parts = Array.from({ length: count }, (_, index) =>
            partOf(whole, { index, of: count }, turn),
          );
          assert.equal(
            parts.reduce((sum, part) => sum + part),
            whole,
          );
          assert.ok(Math.max(...parts) - Math.min(...parts) <= 1);
        }
      }
    }
  });

  test('with the odd one is not always the first one, so that backends are spread', () => {
    const withOne = [0, 1, 2].map((turn) =>
      [0, 1, 2].find((index) => partOf(1, { index, of: 3 }, turn) === 1),
    );
    assert.deepEqual(new Set(withOne), new Set([0, 1, 2]));
  });
});

test('counts are the sum of all, and those of a worker that is gone stay', () => {
  const report = (active: number, claimed: number, failed: number): DataReport => ({
    connections: 0,
    refusals: NO_REFUSALS,
    services: [
      {
        name: 'portal',
        queued: 1,
        tunnels: 2,
        backends: [
          { name: 'one', active, tunnels: 1, limit: null, claimed, failed, failedInARow: failed },
        ],
      },
    ],
  });
  const backend = { name: 'one', active: 0, tunnels: 0, claimed: 0, failed: 0, failedInARow: 0 };
  const portal = { service: 'portal', queued: 0, tunnels: 0, backends: [backend] };
  const tally = new Tally();
  tally.count([portal as never], [report(1, 10, 1), report(2, 20, 0)]);
  assert.deepEqual(backend, {
    name: 'one',
    active: 3,
    tunnels: 2,
    claimed: 30,
    failed: 1,
    failedInARow: 1,
  });
  assert.deepEqual([portal.queued, portal.tunnels], [2, 4]);
  tally.keep(report(2, 20, 0));
  tally.count([portal as never], [report(1, 10, 1)]);
  assert.deepEqual(backend, {
    name: 'one',
    active: 1,
    tunnels: 1,
    claimed: 30,
    failed: 1,
    failedInARow: 1,
  });
});

test('pauses begin after the second death in a row, double, and have an end', () => {
  assert.deepEqual([1, 2, 3, 4, 20].map(pauseAfter), [0, 100, 200, 400, 3_000]);
});

describe('the number of workers', () => {
  const settings = { CONSOLE_LISTEN: '', TLS_CERT: '/none', TLS_KEY: '/none' };
  const problemsOf = (env: Record<string, string>): string => {
    try {
      parseConfig({ ...settings, ...env });
    } catch (error) {
      return (error as Error).message;
    }
    return '';
  };

  test('is no more than the least maxconn, of which each needs a part', () => {
    const PORTAL_BACKENDS = 'http://a:1 maxconn=1, http://b:1 maxconn=9, http://c:1';
    assert.match(
      problemsOf({ PORTAL_BACKENDS, WORKERS: '2' }),
      /WORKERS=2 is more than the maxconn=1 of a backend/,
    );
    assert.doesNotMatch(problemsOf({ PORTAL_BACKENDS, WORKERS: '1' }), /WORKERS/);
    const address = { maxconn: 1 } as never;
    assert.equal(workersOf({ WORKERS: 'auto', PORTAL_BACKENDS: [address] } as never), 1);
  });

  test('is one for each core unless told, and a word that is none is refused', () => {
    const address = { maxconn: 0 } as never;
    assert.ok(workersOf({ WORKERS: 'auto', PORTAL_BACKENDS: [address] } as never) >= 1);
    assert.match(problemsOf({ WORKERS: 'many' }), /WORKERS=many is not a whole number .*, or auto/);
  });
});

describe('the limits of data planes', () => {
  const limited = { service: 'portal', backend: 'one', maxconn: 4, turn: 0 };
  const holder = (index: number, of: number, active: number, limit: number) => ({
    share: { index, of } as { index: number; of: number } | undefined,
    report: {
      connections: 0,
      refusals: NO_REFUSALS,
      services: [
        {
          name: 'portal',
          queued: 0,
          tunnels: 0,
          backends: [
            { name: 'one', active, tunnels: 0, limit, claimed: 0, failed: 0, failedInARow: 0 },
          ],
        },
      ],
    },
  });

  test('are even where nobody holds more', () => {
    const limits = new Limits();
    const all = [holder(0, 2, 0, 0), holder(1, 2, 0, 0)];
    assert.deepEqual(
      all.map((one) => limits.grant(one, all, limited)),
      [2, 2],
    );
  });

  test('leave nothing to a successor while those before it hold all', () => {
    const limits = new Limits();
    const draining = { ...holder(0, 2, 2, 2), share: undefined };
    const all = [draining, holder(0, 2, 0, 0), holder(1, 2, 2, 2)];
    assert.deepEqual(
      all.map((one) => limits.grant(one, all, limited)),
      [null, 0, 1],
    );
  });

  test('are raised only when another one has told that it may have less', () => {
    const limits = new Limits();
    const [first, second] = [holder(0, 1, 0, 0), holder(1, 2, 0, 0)];
    assert.equal(limits.grant(first, [first], limited), 4);
    first.share = { index: 0, of: 2 };
    first.report.services[0]!.backends[0]!.limit = 4;
    const all = [first, second];
    assert.deepEqual(
      all.map((one) => limits.grant(one, all, limited)),
      [2, 0],
    );
    first.report.services[0]!.backends[0]!.limit = 2;
    assert.equal(limits.grant(second, all, limited), 2);
  });
});
