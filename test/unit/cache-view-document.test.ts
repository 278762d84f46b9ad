import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type CopyState,
  covers,
  decodeView,
  encodeView,
  initialView,
  mergeViews,
  nextEntry,
  type View,
} from '../../src/cache/view-document.ts';
import { randomFrom } from '../support/random.ts';

const STATES: readonly CopyState[] = ['full', 'refilling', 'behind'];

/** Views of few nodes with few values, so that they are often equal in part. */
function randomViews(count: number): View[] {
  const random = randomFrom(7);
  const below = (limit: number) => Math.floor(random() * limit);
  return Array.from({ length: count }, () => {
    const nodes = ['a:1', 'b:1', 'c:1'].filter(() => random() < 0.8);
    return new Map(
      nodes.map((node) => [
        node,
        { epoch: 1 + below(3), state: STATES[below(3)]!, since: 1000 + below(2) },
      ]),
    );
  });
}

function sorted(view: View): [string, unknown][] {
  return [...view].sort(([a], [b]) => (a < b ? -1 : 1));
}

describe('merging views', () => {
  const views = randomViews(60);

  it('does not depend on who merges with whom, in which order, or how often', () => {
    for (const a of views) {
      assert.equal(mergeViews(a, a), a);
      for (const b of views) {
        const merged = mergeViews(a, b);
        assert.deepEqual(sorted(merged), sorted(mergeViews(b, a)));
        assert.equal(mergeViews(merged, b), merged);
        for (const c of views.slice(0, 10)) {
          assert.deepEqual(sorted(mergeViews(merged, c)), sorted(mergeViews(a, mergeViews(b, c))));
        }
      }
    }
  });

  it('never takes anything back', () => {
    for (const a of views) {
      for (const b of views) {
        const merged = mergeViews(a, b);
        assert.ok(covers(merged, a) && covers(merged, b));
        if (covers(a, b) && covers(b, a)) {
          const states = (view: View) =>
            sorted(view).map(([node, entry]) => [node, { ...(entry as object), since: 0 }]);
          assert.deepEqual(states(a), states(b));
        }
      }
    }
  });

  it('lets the later epoch win, and at equal epochs the more cautious state', () => {
    const at = (epoch: number, state: CopyState): View =>
      new Map([['a:1', { epoch, state, since: 1 }]]);
    const winner = (a: View, b: View) => mergeViews(a, b).get('a:1');
    assert.equal(winner(at(2, 'full'), at(1, 'behind'))?.state, 'full');
    assert.equal(winner(at(2, 'full'), at(2, 'refilling'))?.state, 'refilling');
    assert.equal(winner(at(2, 'refilling'), at(2, 'behind'))?.state, 'behind');
  });

  it('keeps the entries that say it all, so that a change can be told by identity', () => {
    const a = initialView(['a:1', 'b:1'], 5);
    const b = new Map([['b:1', nextEntry(a.get('b:1')!, 'behind', 6)]]);
    const merged = mergeViews(a, b);
    assert.equal(merged.get('a:1'), a.get('a:1'));
    assert.equal(merged.get('b:1'), b.get('b:1'));
  });
});

describe('the document of a view', () => {
  it('gives the view back', () => {
    for (const view of randomViews(20)) {
      assert.deepEqual(decodeView(encodeView(view)), view);
    }
  });

  it('is none where it is anything else', () => {
    const others = [
      '',
      'null',
      '[]',
      '{"dashgate":2,"nodes":[]}',
      '{"dashgate":1}',
      '{"dashgate":1,"nodes":[["a:1",0,"full",1]]}',
      '{"dashgate":1,"nodes":[["a:1",1,"toString",1]]}',
      '{"dashgate":1,"nodes":[["a:1",1.5,"full",1]]}',
      '{"dashgate":1,"nodes":[[1,1,"full",1]]}',
      '{"dashgate":1,"nodes":[null]}',
      `{"dashgate":1,"nodes":${JSON.stringify(Array(300).fill(['a:1', 1, 'full', 1]))}}`,
    ];
    for (const text of others) assert.equal(decodeView(Buffer.from(text)), undefined, text);
    assert.equal(decodeView(encodeView(new Map()))?.size, 0);
  });
});
