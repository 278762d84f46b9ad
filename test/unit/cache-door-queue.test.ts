import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Outcome, type Task, TaskQueue } from '../../src/cache/door-queue.ts';

const KIB = 1024;

function task(access: Task['access'], key?: string, more: Partial<Task> = {}): Task {
  const values = access === 'read' ? 1 : 0;
  const fields = { access, values, bytes: 0, quiet: false, run: () => outcome('') };
  return key === undefined ? { ...fields, ...more } : { ...fields, key, ...more };
}

function outcome(text: string, failed = false): Outcome {
  return { reply: Buffer.from(text), failed };
}

const read = (key?: string, more?: Partial<Task>) => task('read', key, more);
const write = (key?: string, more?: Partial<Task>) => task('write', key, more);

/** The answers that may leave now. */
function taken(queue: TaskQueue): string[] {
  const replies: string[] = [];
  for (let reply = queue.take(); reply !== undefined; reply = queue.take()) {
    replies.push(String(reply));
  }
  return replies;
}

describe('the tasks of a connection', () => {
  for (const [first, second, together] of [
    [read('a'), read('a'), true],
    [read('a'), write('a'), false],
    [write('a'), read('a'), false],
    [write('a'), write('a'), false],
    [write('a'), write('b'), true],
    [write('a'), read('b'), true],
    [read(), read(), true],
    [read(), write('a'), false],
    [write('a'), read(), false],
    [write(), write('a'), false],
    [write(), task('nothing'), true],
    [task('nothing'), write(), true],
  ] as const) {
    const name = ({ access, key = 'several keys' }: Task) => `${access} of ${key}`;
    it(`${together ? 'may' : 'may not'} be a ${name(first)} and then a ${name(second)} at once`, () => {
      const queue = new TaskQueue();
      assert.ok(queue.admits(first));
      const slot = queue.begin(first);
      assert.equal(queue.admits(second), together);
      queue.settle(slot, outcome('done'));
      assert.ok(queue.admits(second));
    });
  }

  it('are answered in the order in which they began', () => {
    const queue = new TaskQueue();
    const [one, two, three] = ['a', 'b', 'c'].map((key) => queue.begin(read(key)));
    queue.settle(three!, outcome('3'));
    queue.settle(two!, outcome('2'));
    assert.deepEqual(taken(queue), []);
    queue.settle(one!, outcome('1'));
    assert.deepEqual(taken(queue), ['1', '2', '3']);
    assert.equal(queue.size, 0);
  });

  it('are not answered where that is not wanted', () => {
    const queue = new TaskQueue();
    const quiet = queue.begin(write('a', { quiet: true }));
    queue.settle(quiet, outcome('SERVER_ERROR', true));
    queue.settle(queue.begin(read('b')), outcome('b'));
    assert.deepEqual(taken(queue), ['', 'b']);
  });

  it('that are parts of one command are silent after the part that failed', () => {
    const queue = new TaskQueue();
    const whole = { failed: false };
    const parts = [0, 1, 2, 3].map(() => queue.begin(read(undefined, { whole })));
    const after = queue.begin(read('z'));
    queue.settle(after, outcome('after'));
    queue.settle(parts[3]!, outcome('third'));
    queue.settle(parts[2]!, outcome('another error', true));
    queue.settle(parts[1]!, outcome('error', true));
    queue.settle(parts[0]!, outcome('first'));
    assert.deepEqual(taken(queue), ['first', 'error', '', '', 'after']);
  });

  it('are at most 64', () => {
    const queue = new TaskQueue();
    for (let n = 0; n < 64; n++) {
      assert.ok(queue.admits(task('nothing')));
      queue.begin(task('nothing'));
    }
    assert.ok(!queue.admits(task('nothing')));
  });

  it('hold values of a MiB together, or one value of any size', () => {
    const queue = new TaskQueue();
    assert.ok(queue.admits(write('huge', { bytes: 5000 * KIB })));
    const first = queue.begin(write('a', { bytes: 600 * KIB }));
    assert.ok(!queue.admits(write('b', { bytes: 600 * KIB })));
    assert.ok(queue.admits(write('b', { bytes: 400 * KIB })));
    queue.settle(first, outcome('STORED'));
    // The value is let go with the answer, though that has not left.
    assert.ok(queue.admits(write('b', { bytes: 1000 * KIB })));
  });

  it('are fewer where large values were read, and more again after small ones', () => {
    const queue = new TaskQueue();
    const begun = () => {
      const slots = [];
      while (queue.admits(read('k'))) slots.push(queue.begin(read('k')));
      return slots;
    };
    const answer = (bytes: number) => {
      const slots = begun();
      for (const slot of slots) queue.settle(slot, outcome('x'.repeat(bytes)));
      taken(queue);
      return slots.length;
    };
    assert.equal(answer(1000 * KIB), 16);
    assert.equal(answer(10), 1);
    assert.equal(answer(10), 2);
    assert.equal(answer(10), 8);
    for (let n = 0; n < 4; n++) answer(10);
    assert.equal(answer(10), 64);
  });

  it('count what is answered until it has left', () => {
    const queue = new TaskQueue();
    queue.begin(write('slow'));
    const slots = ['a', 'b'].map((key) => queue.begin(read(key)));
    assert.ok(queue.admits(write('other')));
    for (const slot of slots) queue.settle(slot, outcome('x'.repeat(600 * KIB)));
    assert.ok(!queue.admits(write('other')));
    assert.ok(!queue.admits(read('k')));
  });
});
