import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Deadlined, Deadlines } from '../../src/relay/deadlines.ts';

/** Deadlines by a time that passes only when it is told to. */
function stopped(t: TestContext) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let now = 1_000;
  return {
    deadlines: new Deadlines(() => now),
    pass(ms: number) {
      for (let left = ms; left > 0; left -= 50) {
        now += Math.min(left, 50);
        t.mock.timers.tick(Math.min(left, 50));
      }
    },
  };
}

class Member implements Deadlined {
  looks = 0;
  over = 0;
  #deadline: number;

  constructor(deadline: number) {
    this.#deadline = deadline;
  }

  get deadline(): number {
    this.looks += 1;
    return this.#deadline;
  }

  set deadline(deadline: number) {
    this.#deadline = deadline;
  }

  onDeadline(): void {
    this.over += 1;
  }
}

test('deadlines that are far away are not looked at, whatever is waited for meanwhile and has come', (t) => {
  const { deadlines, pass } = stopped(t);
  const idle = Array.from({ length: 100 }, () => new Member(deadlines.in(3_600_000)));
  for (const member of idle) deadlines.add(member);
  const busy = new Member(deadlines.in(60_000));
  deadlines.add(busy);
  const before = idle.reduce((sum, { looks }) => sum + looks, 0);
  for (let i = 0; i < 500; i += 1) {
    busy.deadline = deadlines.in(60_000);
    pass(100);
  }
  assert.equal(idle.reduce((sum, { looks }) => sum + looks, 0) - before, 0);
  pass(100_000);
  const looks = idle.reduce((sum, member) => sum + member.looks, 0) - before;
  assert.ok(looks <= 10 * idle.length, `${looks} looks`);
  assert.equal(busy.over, 1);
});

test('a deadline that comes nearer, is passed on or begins within another one is kept to', (t) => {
  const { deadlines, pass } = stopped(t);
  const far = new Member(deadlines.in(3_600_000));
  const moved = new Member(deadlines.in(60_000));
  for (const member of [far, moved]) deadlines.add(member);
  pass(30_000);
  moved.deadline = deadlines.in(500);
  pass(400);
  assert.equal(moved.over, 0, 'never early');
  pass(300);
  assert.equal(moved.over, 1, 'two ticks late at most');
  const told: number[] = [];
  const start = deadlines.now;
  // It is set before it is added, as that of a connection is.
  deadlines.after(1_000, () => {
    told.push(deadlines.now - start);
    // Of one that has been looked at in this very tick.
    far.deadline = deadlines.in(200);
    deadlines.after(700, () => told.push(deadlines.now - start));
  });
  pass(1_500);
  assert.equal(far.over, 1);
  pass(1_000);
  assert.deepEqual(told, [1_100, 1_900]);
  moved.deadline = Number.POSITIVE_INFINITY;
  pass(3_600_000);
  assert.deepEqual([far.over, moved.over], [1, 1]);
});

test('one that others were over before it was added is kept to', (t) => {
  const { deadlines, pass } = stopped(t);
  const first = new Member(deadlines.in(50));
  deadlines.add(first);
  const second = new Member(deadlines.in(500));
  pass(300);
  assert.equal(first.over, 1);
  deadlines.add(second);
  pass(400);
  assert.equal(second.over, 1);
});

test('one that is alone again after all others have gone is kept to', (t) => {
  const { deadlines, pass } = stopped(t);
  const first = new Member(deadlines.in(100));
  deadlines.add(first);
  deadlines.remove(first);
  pass(10_000);
  const second = new Member(deadlines.in(300));
  pass(50);
  deadlines.add(second);
  pass(350);
  assert.equal(second.over, 0);
  pass(200);
  assert.deepEqual([first.over, second.over], [0, 1]);
});
