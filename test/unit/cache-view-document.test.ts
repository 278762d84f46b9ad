import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type LayoutSpec, layoutOf } from '../../src/cache/layout.ts';
import {
  areRelated,
  covers,
  entryOf,
  initialView,
  mergeViews,
  reaches,
  type View,
  withCopies,
  withLayout,
  withLoss,
  writtenLayouts,
} from '../../src/cache/view-document.ts';
import { decodeView, encodeView } from '../../src/cache/view-encoding.ts';
import { isOfCluster } from '../../src/cache/view-kinship.ts';
import { randomFrom } from '../support/random.ts';

const SPECS: readonly LayoutSpec[] = [
  { nodes: ['a:1', 'b:1', 'c:1'], placement: 'pymemcache', copies: 2 },
  { nodes: ['b:1', 'c:1', 'd:1'], placement: 'pymemcache', copies: 2 },
  { nodes: ['a:1', 'b:1', 'c:1'], placement: 'pylibmc', copies: 3 },
];
const FIRST = initialView(SPECS[0]!, 1000);

/** Views that have grown out of one in few steps, so that they are often equal in part. */
function randomViews(count: number): View[] {
  const random = randomFrom(7);
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)]!;
  const step = (view: View): View => {
    const node = pick(['a:1', 'b:1', 'c:1', 'd:1']);
    const now = pick([1000, 1001]);
    const layout = pick(writtenLayouts(view));
    switch (pick(['loss', 'refilling', 'full', 'layout', 'read', 'write'])) {
      case 'loss':
        return withLoss(view, node, now);
      case 'refilling':
        return withCopies(view, node, [layout], 'refilling', now);
      case 'full':
        return withCopies(view, node, [layout], 'full', now);
      case 'layout':
        return withLayout(view, pick(SPECS));
      case 'read':
        return { ...view, read: Math.max(view.read, layout.rank) };
      default:
        return { ...view, write: view.read };
    }
  };
  return Array.from({ length: count }, () => {
    let view = FIRST;
    for (let steps = random() * 12; steps > 0; steps--) view = mergeViews(view, step(view));
    return view;
  });
}

/** A view without the order of its parts. */
function plain({ read, write, layouts, nodes }: View): unknown {
  const rows = [...nodes].map(([node, { losses, since, copies }]) => [
    node,
    losses,
    since,
    [...copies].sort(),
  ]);
  return { read, write, layouts: [...layouts.keys()].sort(), nodes: rows.sort() };
}

describe('merging views', () => {
  const views = randomViews(40);

  it('does not depend on who merges with whom, in which order, or how often', () => {
    for (const a of views) {
      assert.equal(mergeViews(a, a), a);
      for (const b of views) {
        const merged = mergeViews(a, b);
        assert.deepEqual(plain(merged), plain(mergeViews(b, a)));
        assert.equal(mergeViews(merged, b), merged);
        for (const c of views.slice(0, 10)) {
          assert.deepEqual(plain(mergeViews(merged, c)), plain(mergeViews(a, mergeViews(b, c))));
        }
      }
    }
  });

  it('never takes anything back', () => {
    for (const a of views) {
      for (const b of views) {
        const merged = mergeViews(a, b);
        assert.ok(covers(merged, a) && covers(merged, b));
        assert.ok(merged.read >= b.read && merged.write >= b.write);
        for (const node of ['a:1', 'b:1', 'c:1', 'd:1']) {
          for (const layout of writtenLayouts(merged)) {
            assert.ok(reaches(entryOf(merged, node, [layout]), entryOf(b, node, [layout])));
          }
        }
      }
    }
  });

  it('has what a node held void with its next loss, whoever says so and when', () => {
    const [layout] = writtenLayouts(FIRST);
    const lost = withLoss(FIRST, 'a:1', 2000);
    const refilled = mergeViews(lost, withCopies(lost, 'a:1', [layout!], 'full', 3000));
    const state = (view: View) => entryOf(view, 'a:1', [layout!]).state;
    assert.equal(state(FIRST), 'full');
    assert.equal(state(lost), 'behind');
    assert.equal(state(refilled), 'full');
    assert.equal(state(mergeViews(FIRST, lost)), 'behind');
    assert.equal(state(mergeViews(refilled, withLoss(lost, 'a:1', 4000))), 'behind');
    assert.equal(state(mergeViews(refilled, lost)), 'full');
  });

  it('has two layouts that are proposed at a time both written to, in one order', () => {
    const [a, b] = [withLayout(FIRST, SPECS[1]!), withLayout(FIRST, SPECS[2]!)];
    const both = writtenLayouts(mergeViews(a, b)).map(({ id }) => id);
    assert.equal(both.length, 3);
    assert.deepEqual(
      writtenLayouts(mergeViews(b, a)).map(({ id }) => id),
      both,
    );
  });

  it('does not bring back a layout that is long past', () => {
    let view = FIRST;
    for (let n = 0; n < 12; n++) {
      view = mergeViews(view, withLayout(view, SPECS[n % 3]!));
      const rank = writtenLayouts(view).at(-1)!.rank;
      view = mergeViews(view, { ...view, read: rank, write: rank });
    }
    assert.equal(view.layouts.has(layoutOf(1, SPECS[0]!).id), false);
    assert.equal(mergeViews(view, FIRST), view);
    assert.equal(areRelated(view, FIRST), false);
  });

  it('keeps the view that says it all, so that a change can be told by identity', () => {
    const later = mergeViews(FIRST, withLoss(FIRST, 'a:1', 2000));
    assert.equal(mergeViews(later, FIRST), later);
    assert.notEqual(mergeViews(FIRST, later), FIRST);
    assert.equal(writtenLayouts(later)[0], writtenLayouts(FIRST)[0]);
  });

  it('takes a state that began first for the same state', () => {
    const later = initialView(SPECS[0]!, 2000);
    assert.ok(covers(FIRST, later) && covers(later, FIRST));
    assert.deepEqual(plain(mergeViews(later, FIRST)), plain(FIRST));
  });
});

describe('the document of a view', () => {
  it('gives the view back', () => {
    for (const view of randomViews(40)) {
      assert.deepEqual(plain(decodeView(encodeView(view))!), plain(view));
    }
  });

  it('is none where it is anything else', () => {
    const sound = JSON.parse(encodeView(FIRST).toString());
    const [layout] = sound.layouts;
    const [node] = sound.nodes;
    const broken: unknown[] = [
      null,
      [],
      { ...sound, dashgate: 1 },
      { ...sound, read: -1 },
      { ...sound, write: '1' },
      { ...sound, layouts: {} },
      { ...sound, layouts: [[0, ...layout.slice(1)]] },
      { ...sound, layouts: [[1, 'by name', 2, ['a:1']]] },
      { ...sound, layouts: [[1, 'pymemcache', 2, ['a:1 b']]] },
      { ...sound, layouts: [[1, 'pymemcache', 2, ['a:1', 'a:1']]] },
      { ...sound, layouts: [[1, 'pymemcache', 9, ['a:1']]] },
      { ...sound, layouts: [[1, 'pymemcache', 2, 'a:1']] },
      { ...sound, layouts: Array(100).fill(layout) },
      { ...sound, nodes: Array(1000).fill(node) },
      { ...sound, nodes: [[1, ...node.slice(1)]] },
      { ...sound, nodes: [['a:1', 0, 1000, []]] },
      { ...sound, nodes: [['a:1', 1.5, 1000, []]] },
      { ...sound, nodes: [['a:1', 1, 1000, [[9, 1, 'full', 1000]]]] },
      { ...sound, nodes: [['a:1', 1, 1000, [[0, 1, 'behind', 1000]]]] },
      { ...sound, nodes: [['a:1', 1, 1000, [[0, 'x', 'full', 1000]]]] },
      { ...sound, nodes: [['a:1', 1, 1000]] },
      { ...sound, nodes: [['a'.repeat(301), 1, 1000, []]] },
      { ...sound, layouts: [], nodes: [] },
      { ...sound, layouts: [[1, 'pymemcache', 2, ['a'.repeat(301)]]] },
      // Without a layout that is read there would be no node at all.
      { ...sound, read: 9 },
      { ...sound, read: 9, write: 9 },
      { ...sound, read: 1 },
      // The status page shows when.
      { ...sound, nodes: [['a:1', 1, Number.MAX_SAFE_INTEGER, []]] },
      { ...sound, nodes: [['a:1', 1, 1000, [[0, 1, 'full', 8_640_000_000_000_001]]]] },
      { ...sound, more: 'x'.repeat(262_144) },
    ];
    assert.notEqual(decodeView(Buffer.from(JSON.stringify(sound))), undefined);
    for (const one of broken) {
      assert.equal(decodeView(Buffer.from(JSON.stringify(one))), undefined, JSON.stringify(one));
    }
    for (const text of ['', '{', '\0\x01', 'null']) {
      assert.equal(decodeView(Buffer.from(text)), undefined);
    }
  });
});

describe('a document that one node shows', () => {
  const shown = (change: (document: ReturnType<typeof JSON.parse>) => void): View => {
    const document = JSON.parse(encodeView(FIRST).toString());
    change(document);
    return decodeView(Buffer.from(JSON.stringify(document)))!;
  };

  it('is of the cluster where it can have grown there', () => {
    for (const a of randomViews(20)) {
      assert.ok(isOfCluster(FIRST, a));
      assert.ok(isOfCluster(a, a));
    }
  });

  it('is not, with counts that nobody could raise any more', () => {
    const highest = Number.MAX_SAFE_INTEGER;
    const lost = shown(({ nodes }) => {
      nodes[1][1] = highest;
    });
    const made = shown(({ nodes }) => nodes.push(['z:1', highest, 1000, []]));
    const moved = shown((document) => {
      document.layouts.push([highest, 'pymemcache', 2, ['z:1']]);
    });
    for (const document of [lost, made, moved]) {
      assert.equal(isOfCluster(FIRST, document), false);
      // Nor is a gateway that starts to take the others for strangers beside it.
      assert.equal(isOfCluster(document, FIRST), false);
    }
  });

  it('is not, where all that was shown would be more than a document may have', () => {
    const crowd = (from: number) =>
      shown(({ nodes }) => {
        for (let n = 0; n < 400; n++) nodes.push([`n${from + n}:1`, 1, 1000, []]);
      });
    const known = mergeViews(FIRST, crowd(0));
    assert.ok(isOfCluster(FIRST, crowd(0)));
    assert.equal(isOfCluster(known, crowd(400)), false);
  });
});
