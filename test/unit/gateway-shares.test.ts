import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseConfig } from '../../src/config.ts';
import { type Limited, Limits } from '../../src/gateway/limits.ts';
import { type DataReport, EMPTY_REPORT, NO_REFUSALS } from '../../src/gateway/messages.ts';
import { fairParts, partOf, type Share } from '../../src/gateway/share.ts';
import { pauseAfter } from '../../src/gateway/slot.ts';
import { Tally } from '../../src/gateway/tally.ts';
import { workersOf } from '../../src/gateway/worker-count.ts';
import { randomFrom } from '../support/random.ts';

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
  const limited = { service: 'portal', backend: 'one', maxconn: 8, turn: 0 };

  /** A data plane that goes by what it is granted, when it is said to. */
  class Plane {
    share: Share | undefined;
    active = 0;
    queued = 0;
    turnsAway = false;
    limit = 0;
    report: DataReport = EMPTY_REPORT;

    constructor(index: number, of: number) {
      this.share = { index, of };
    }

    /** Has at least so much under way as it may, and tells. */
    tell(limit = this.limit): void {
      this.limit = limit;
      const { active, queued, turnsAway } = this;
      const counts = { tunnels: 0, claimed: 0, failed: 0, failedInARow: 0 };
      const backends = [{ name: 'one', active, limit, ...counts }];
      const services = [{ name: 'portal', queued, turnsAway, tunnels: 0, backends }];
      this.report = { connections: 0, refusals: NO_REFUSALS, services };
    }
  }

  const divide = (limits: Limits, planes: readonly Plane[], more: Partial<Limited> = {}) => {
    const parts = limits.divide(planes, { ...limited, ...more });
    return planes.map((plane) => parts.get(plane));
  };

  test('are even where nobody needs more, and kept for those that are yet to come', () => {
    const planes = [new Plane(0, 2), new Plane(1, 2)];
    assert.deepEqual(divide(new Limits(), planes), [4, 4]);
    assert.deepEqual(divide(new Limits(), planes.slice(1)), [4]);
  });

  test('are raised by what others leave, once those have told that they go by less', () => {
    const limits = new Limits();
    const [busy, idle] = [new Plane(0, 2), new Plane(1, 2)];
    const both = [busy, idle];
    divide(limits, both);
    busy.active = 4;
    busy.queued = 3;
    busy.tell(4);
    assert.deepEqual(divide(limits, both), [4, 4], 'whether the idle one may have 4 is not known');
    idle.tell(4);
    assert.deepEqual(divide(limits, both), [4, 1]);
    assert.deepEqual(divide(limits, both), [4, 1], 'nothing is told');
    idle.tell(1);
    assert.deepEqual(divide(limits, both), [7, 1]);
    busy.active = 7;
    busy.queued = 1;
    busy.tell(7);
    divide(limits, both);
    idle.tell(0);
    assert.deepEqual(divide(limits, both), [8, 0], 'all of it');
    busy.tell(8);
    idle.queued = 5;
    idle.tell();
    divide(limits, both);
    busy.active = 4;
    busy.queued = 4;
    busy.tell(4);
    assert.deepEqual(divide(limits, both), [4, 4], 'both need more than there is');
  });

  test('are not changed again before it is told that they are gone by', () => {
    const limits = new Limits();
    const [one, other] = [new Plane(0, 2), new Plane(1, 2)];
    const both = [one, other];
    divide(limits, both);
    one.tell(4);
    other.tell(4);
    one.active = 6;
    one.tell();
    divide(limits, both);
    other.tell(2);
    assert.deepEqual(divide(limits, both), [6, 2]);
    // What it says now was on its way before it heard of the 6.
    one.active = 0;
    one.tell(4);
    other.active = 6;
    other.tell();
    assert.deepEqual(divide(limits, both), [6, 2]);
    one.tell(6);
    assert.deepEqual(divide(limits, both), [2, 2]);
    one.tell(2);
    assert.deepEqual(divide(limits, both), [2, 6]);
  });

  test('leave one to a plane where nobody may wait in line, once it has turned somebody away', () => {
    const limits = new Limits();
    const [busy, other] = [new Plane(0, 2), new Plane(1, 2)];
    const both = [busy, other];
    divide(limits, both);
    other.tell(4);
    busy.active = 8;
    busy.tell(4);
    divide(limits, both);
    other.tell(0);
    assert.deepEqual(divide(limits, both), [8, 0]);
    busy.tell(8);
    other.turnsAway = true;
    other.tell();
    divide(limits, both);
    busy.active = 7;
    busy.tell(7);
    assert.deepEqual(divide(limits, both), [7, 1]);
  });

  test('are had in turns where there are fewer than planes that need one, however long each has work', () => {
    const REPORT_MS = 25;
    for (const workMs of [50, 500, 1_000, 1_500, 2_000, 2_025, 3_000]) {
      let now = 0;
      const limits = new Limits(() => now);
      const both = [new Plane(0, 2), new Plane(1, 2)];
      for (const plane of both) plane.queued = 5;
      const endsAt = [0, 0];
      const hadAt = [0, 0];
      for (; now < 60_000; now += REPORT_MS) {
        const parts = divide(limits, both, { maxconn: 1 });
        for (const [nth, plane] of both.entries()) {
          if (now >= endsAt[nth]!) plane.active = 0;
          // The next one begins at once where it may.
          if (plane.active === 0 && plane.limit > 0) {
            plane.active = 1;
            endsAt[nth] = now + workMs;
          }
          if (plane.active > 0) hadAt[nth] = now;
          assert.ok(
            now - hadAt[nth]! <= 2 * workMs + 1_500,
            `plane ${nth} waits since ${hadAt[nth]}, now ${now}, work of ${workMs}`,
          );
          plane.tell(parts[nth]!);
        }
        assert.ok(both[0]!.active + both[1]!.active <= 1);
      }
    }
  });

  test('leave nothing to successors while those before them hold all', () => {
    const draining = new Plane(0, 2);
    draining.share = undefined;
    draining.active = 8;
    draining.tell(8);
    const limits = new Limits();
    const planes = [draining, new Plane(0, 2), new Plane(1, 2)];
    assert.deepEqual(divide(limits, planes), [undefined, 0, 0]);
    for (const plane of planes.slice(1)) plane.tell(0);
    draining.active = 4;
    draining.tell(5);
    assert.deepEqual(divide(limits, planes), [undefined, 2, 1]);
  });

  test('are never above the whole, whoever has news when', () => {
    const next = randomFrom(20_261_127);
    const random = (below: number) => Math.floor(next() * below);
    for (let round = 0; round < 200; round++) {
      const limits = new Limits();
      const planes = [0, 1, 2].map((index) => new Plane(index, 3));
      /** To each, by now: it hears of the latest alone, and what it has told is on its way. */
      const inboxes = planes.map((): number[] => []);
      const outboxes = planes.map((): DataReport[] => []);
      for (let step = 0; step < 60; step++) {
        const index = random(planes.length);
        const plane = planes[index]!;
        switch (random(5)) {
          case 0:
            plane.limit = inboxes[index]!.shift() ?? plane.limit;
            break;
          case 1:
            if (plane.active < plane.limit) plane.active += 1;
            else plane.queued = random(4);
            break;
          case 2:
            plane.active = random(plane.active + 1);
            plane.queued = 0;
            break;
          case 3: {
            const known = plane.report;
            plane.tell();
            outboxes[index]!.push(plane.report);
            plane.report = known;
            break;
          }
          default:
            plane.report = outboxes[index]!.shift() ?? plane.report;
            for (const [nth, part] of divide(limits, planes).entries()) {
              inboxes[nth]!.push(part!);
            }
        }
        const most = planes.map(({ active, limit }) => Math.max(active, limit));
        const sum = most.reduce((all, each) => all + each, 0);
        assert.ok(sum <= limited.maxconn, `${most} in round ${round}, step ${step}`);
      }
    }
  });
});

describe('fair parts', () => {
  test('are the needs where those can be met, and even beyond', () => {
    assert.deepEqual(fairParts(8, [0, 0]), [4, 4]);
    assert.deepEqual(fairParts(8, [3, 1]), [4, 4]);
    assert.deepEqual(fairParts(8, [6, 1]), [6, 2]);
    assert.deepEqual(fairParts(8, [1, 7]), [1, 7]);
    assert.deepEqual(fairParts(9, [1, 5, 0]), [2, 5, 2]);
    assert.deepEqual(fairParts(8, [1, 1, 1], 1), [3, 2, 3]);
    assert.deepEqual(fairParts(0, [0, 0]), [0, 0]);
  });

  test('give to each up to the same where there is too little', () => {
    assert.deepEqual(fairParts(8, [9, 9]), [4, 4]);
    assert.deepEqual(fairParts(8, [100, 2]), [6, 2]);
    assert.deepEqual(fairParts(9, [100, 1, 50]), [4, 1, 4]);
    assert.deepEqual(fairParts(2, [5, 0, 5, 5], 1), [1, 0, 0, 1]);
  });
});
