import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parseNodes } from '../../src/memcached/node-address.ts';
import { createPlacement, PLACEMENTS, type Placement } from '../../src/memcached/placement.ts';

const PREFIX = ':1:django.contrib.sessions.cache';
const THREE = ['127.0.0.1:21211', '127.0.0.1:21212', '127.0.0.1:21213'];

/** The node, by the last digit of its port, that each real client chose on {@link THREE}. */
const VECTORS: Record<string, Record<Placement, number>> = {
  abcdefghijklmnopqrstuvwxyz012345: vector(2, 2, 3, 3, 2),
  ['0'.repeat(32)]: vector(2, 1, 1, 3, 1),
  ['a'.repeat(32)]: vector(3, 2, 2, 1, 3),
  ['z'.repeat(32)]: vector(1, 2, 1, 2, 1),
  q1w2e3r4t5y6u7i8o9p0a1s2d3f4g5h6: vector(3, 2, 1, 2, 3),
  m0n1b2v3c4x5z6l7k8j9h0g1f2d3s4a5: vector(1, 2, 2, 2, 2),
};

function vector(
  pythonMemcached: number,
  pymemcache: number,
  pylibmc: number,
  ketama: number,
  weighted: number,
): Record<Placement, number> {
  return {
    'python-memcached': pythonMemcached,
    pymemcache,
    pylibmc,
    'pylibmc-ketama': ketama,
    'pylibmc-ketama-weighted': weighted,
  };
}

describe('placement', () => {
  for (const placement of PLACEMENTS) {
    it(`${placement} finds the nodes that the real client was seen to choose`, () => {
      const orderOf = createPlacement(placement, parseNodes(THREE));
      for (const [id, expected] of Object.entries(VECTORS)) {
        assert.equal(orderOf(PREFIX + id)[0], expected[placement] - 1, id);
      }
    });

    it(`${placement} names every node once, for any key and any number of nodes`, () => {
      for (const count of [1, 2, 3, 5, 12]) {
        const nodes = parseNodes(Array.from({ length: count }, (_, n) => `10.0.0.${n + 1}`));
        const orderOf = createPlacement(placement, nodes);
        for (let n = 0; n < 200; n++) {
          const order = orderOf(`key-${n}-é-😀`);
          assert.deepEqual([...order].sort(byNumber), [...nodes.keys()]);
        }
      }
    });

    it(`${placement} spreads the second nodes over all of them`, () => {
      const orderOf = createPlacement(placement, parseNodes(THREE));
      const pairs = Array.from({ length: 600 }, (_, n) => orderOf(`key-${n}`).slice(0, 2).join());
      const expected = placement === 'pylibmc' ? 3 : 6;
      assert.equal(new Set(pairs).size, expected);
    });
  }

  for (const placement of ['pymemcache', 'python-memcached', 'pylibmc'] as const) {
    it(`${placement} finds what real Django and Horizon stored`, () => {
      const nodes = ['127.0.0.1:11311', '127.0.0.1:11312', '127.0.0.1:11313'];
      const orderOf = createPlacement(placement, parseNodes(nodes));
      const items = captured(placement);
      assert.ok(items.length >= 10);
      for (const { key, node } of items) assert.equal(nodes[orderOf(key)[0]!], node, key);
    });
  }

  // From libmemcached 1.1.4 itself (memcached_generate_hash); key n is the prefix and n in 32 digits.
  it('finds the nodes of unix sockets and of port 11211 as libmemcached names them', () => {
    const nodes = ['/run/a.sock', '/run/b.sock', '10.0.0.1:11211'];
    assertSequence('pylibmc', nodes, [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 2, 2, 2, 2, 2, 2, 0, 2, 2, 2]);
    assertSequence(
      'pylibmc-ketama',
      nodes,
      [1, 2, 2, 0, 2, 2, 1, 2, 0, 0, 0, 0, 2, 0, 1, 1, 0, 0, 1, 0],
    );
    assertSequence(
      'pylibmc-ketama-weighted',
      nodes,
      [2, 1, 0, 2, 2, 1, 0, 0, 1, 1, 2, 2, 1, 2, 1, 0, 1, 0, 1, 0],
    );
  });

  it('rounds the points of 25 nodes as libmemcached does', () => {
    const nodes = Array.from({ length: 25 }, (_, n) => `127.0.0.1:${21211 + n}`);
    const orderOf = createPlacement('pylibmc-ketama-weighted', parseNodes(nodes));
    // Keys that lie elsewhere on a ring of 160 points a node; the rounding makes it 156.
    for (const [n, expected] of [
      [39, 20],
      [53, 9],
      [61, 22],
      [95, 2],
      [119, 3],
      [140, 8],
    ] as const) {
      assert.equal(orderOf(numberedKey(n))[0], expected);
    }
  });

  it('follows pymemcache whatever the order of the list, and keeps the order of the others', () => {
    const nodes = parseNodes(THREE);
    const reversed = [...nodes].reverse();
    const orderOf = createPlacement('pymemcache', nodes);
    const orderOfReversed = createPlacement('pymemcache', reversed);
    const without = createPlacement('pymemcache', nodes.slice(1));
    for (let n = 0; n < 300; n++) {
      const order = orderOf(`key-${n}`).map((index) => nodes[index]);
      assert.deepEqual(
        orderOfReversed(`key-${n}`).map((index) => reversed[index]),
        order,
      );
      // The second node is the one that the client itself would move to.
      const left = without(`key-${n}`).map((index) => nodes.slice(1)[index]);
      assert.deepEqual(
        left,
        order.filter((node) => node !== nodes[0]),
      );
    }
  });

  it('moves on from dead nodes as the real python-memcached does, then takes what is left', () => {
    const sequences: [string, number, number[]][] = [
      ['abcdefghijklmnopqrstuvwxyz012345', 3, [1, 0, 2]],
      ['q1w2e3r4t5y6u7i8o9p0a1s2d3f4g5h6', 3, [2, 1, 0]],
      ['m0n1b2v3c4x5z6l7k8j9h0g1f2d3s4a5', 5, [0, 4, 3, 2, 1]],
      ['z'.repeat(32), 5, [3, 0, 2, 1, 4]],
      // After its ten tries the client has met only some of the nodes.
      ['abcdefghijklmnopqrstuvwxyz012345', 5, [4, 0, 1, 3, 2]],
      ['abcdefghijklmnopqrstuvwxyz012345', 12, [7, 0, 8, 5, 6, 2, 1, 3, 4, 9, 10, 11]],
    ];
    for (const [id, count, expected] of sequences) {
      const nodes = Array.from({ length: count }, (_, n) => `127.0.0.1:${21211 + n}`);
      const orderOf = createPlacement('python-memcached', parseNodes(nodes));
      assert.deepEqual(orderOf(PREFIX + id), expected);
    }
  });

  it('wants at least one node', () => {
    assert.throws(() => createPlacement('pymemcache', []), /at least one node/);
  });
});

function assertSequence(placement: Placement, nodes: string[], expected: number[]) {
  const orderOf = createPlacement(placement, parseNodes(nodes));
  const found = expected.map((_, n) => orderOf(numberedKey(n))[0]);
  assert.deepEqual(found, expected, placement);
}

function numberedKey(n: number): string {
  return PREFIX + String(n).padStart(32, '0');
}

function captured(client: string): { key: string; node: string }[] {
  const url = new URL(`../../fixtures/django/captures/${client}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8'));
}

function byNumber(a: number, b: number): number {
  return a - b;
}
