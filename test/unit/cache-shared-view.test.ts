import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sleep } from '../../src/cache/clock.ts';
import { VIEW_KEY } from '../../src/cache/reserved-keys.ts';
import { SharedView } from '../../src/cache/shared-view.ts';
import { decodeView } from '../../src/cache/view-document.ts';
import { SIMULATED_TIMING } from '../support/cache-cluster.ts';
import { Link, SimulatedNode, simulatedCacheNode } from '../support/cache-simulated-node.ts';
import { World } from '../support/cache-world.ts';

const TIMING = { ...SIMULATED_TIMING, patienceMs: 1000 };

/** Nodes, and gateways of which only the view is of interest; none is started. */
function simulate(nodeCount: number, gatewayCount: number) {
  const world = new World(1);
  const nodes = Array.from({ length: nodeCount }, (_, n) => new SimulatedNode(`n${n}:1`, world));
  const gateways = Array.from({ length: gatewayCount }, (_, index) => {
    const links = nodes.map((node) => new Link(world, index, node));
    const deadlines = { requestMs: 125, controlMs: TIMING.pollDeadlineMs };
    const view = new SharedView({
      nodes: links.map((link) => simulatedCacheNode(link, deadlines)),
      clock: world.clockOf(index),
      timing: TIMING,
      copies: 2,
    });
    const cut = (node: number, isCut: boolean) => {
      links[node]!.requestsCut = isCut;
      links[node]!.answersCut = isCut;
    };
    const states = () => nodes.map((_, node) => view.entry(node).state);
    return { view, cut, states };
  });
  const pass = (ms: number) => sleep(world.clockOf(-1), ms);
  const run = async (body: () => Promise<void>) => {
    await world.run(body(), 60_000);
    for (const { view } of gateways) view.close();
  };
  const documentOn = (node: number) => {
    const item = nodes[node]!.get(VIEW_KEY);
    return item && decodeView(item.value);
  };
  return { world, nodes, gateways, pass, run, documentOn };
}

describe('the view that gateways share', () => {
  it('begins with every node believed, and holds as soon as a majority has it', async () => {
    const { gateways, pass, run, documentOn } = simulate(3, 2);
    await run(async () => {
      for (const { view } of gateways) {
        assert.equal(view.holds(), false);
        view.start();
      }
      await pass(400);
      for (const { view, states } of gateways) {
        assert.ok(view.holds());
        assert.deepEqual(states(), ['full', 'full', 'full']);
        assert.ok([0, 1, 2].every((node) => view.isSettled(node)));
      }
      for (const node of [0, 1, 2]) assert.equal(documentOn(node)?.size, 3);
    });
  });

  it('is what was agreed before, for a gateway that comes later', async () => {
    const { gateways, pass, run } = simulate(3, 2);
    const [first, second] = gateways;
    await run(async () => {
      first!.view.start();
      await pass(400);
      first!.view.advance(1, first!.view.entry(1), 'behind');
      await pass(100);
      second!.view.start();
      await pass(100);
      assert.deepEqual(second!.states(), ['full', 'behind', 'full']);
    });
  });

  it('tells of a change only when every other gateway has seen it or holds no lease', async () => {
    const { gateways, pass, run } = simulate(3, 2);
    const [first, second] = gateways;
    await run(async () => {
      for (const { view } of gateways) view.start();
      await pass(400);
      for (const node of [0, 1, 2]) second!.cut(node, true);
      const entry = first!.view.entry(0);
      assert.ok(first!.view.advance(0, entry, 'behind'));
      assert.equal(first!.view.advance(0, entry, 'behind'), undefined, 'it moved on already');
      assert.equal(await first!.view.settled(0), true);
      assert.equal(second!.states()[0], 'full');
      assert.equal(second!.view.holds(), false);
      assert.equal(await second!.view.refresh(), false);
      second!.cut(1, false);
      second!.cut(2, false);
      assert.equal(await second!.view.refresh(), true);
      assert.equal(second!.states()[0], 'behind');
    });
  });

  it('does not tell of a change that no majority can learn', async () => {
    const { gateways, pass, run } = simulate(3, 1);
    const [{ view, cut }] = gateways as [(typeof gateways)[0]];
    await run(async () => {
      view.start();
      await pass(400);
      cut(1, true);
      cut(2, true);
      view.advance(0, view.entry(0), 'behind');
      assert.equal(await view.settled(0), false);
    });
  });

  it('has a node behind that does not answer, or that was restarted, without any write', async () => {
    const { nodes, gateways, pass, run, documentOn } = simulate(3, 2);
    await run(async () => {
      for (const { view } of gateways) view.start();
      await pass(400);
      nodes[0]!.pause();
      await pass(400);
      for (const { states } of gateways) assert.deepEqual(states(), ['behind', 'full', 'full']);
      nodes[0]!.resume(0);
      for (const { view } of gateways) {
        view.advance(0, view.entry(0), 'refilling');
        view.advance(0, view.entry(0), 'full');
      }
      await pass(400);
      for (const { states } of gateways) assert.deepEqual(states(), ['full', 'full', 'full']);
      nodes[2]!.stop();
      nodes[2]!.restartEmpty();
      await pass(400);
      for (const { states } of gateways) assert.deepEqual(states(), ['full', 'full', 'behind']);
      assert.equal(documentOn(2)?.get('n2:1')?.state, 'behind');
    });
  });

  it('gives up no node that merely does not answer where that costs the last full copy', async () => {
    const { nodes, gateways, pass, run } = simulate(3, 1);
    const [{ view, states }] = gateways as [(typeof gateways)[0]];
    await run(async () => {
      view.start();
      await pass(400);
      view.advance(0, view.entry(0), 'behind');
      nodes[1]!.pause();
      await pass(1000);
      assert.deepEqual(states(), ['behind', 'full', 'full']);
    });
  });

  it('comes back after patience where most nodes have forgotten it', async () => {
    const { nodes, gateways, pass, run } = simulate(3, 1);
    const [{ view, states }] = gateways as [(typeof gateways)[0]];
    await run(async () => {
      view.start();
      await pass(400);
      for (const node of [0, 1]) {
        nodes[node]!.stop();
        nodes[node]!.restartEmpty();
      }
      await pass(500);
      assert.equal(view.holds(), false);
      await pass(TIMING.patienceMs);
      assert.equal(view.holds(), true);
      assert.deepEqual(states(), ['behind', 'behind', 'full']);
    });
  });

  it('holds on two nodes with one of them, and on a single one', async () => {
    for (const count of [1, 2]) {
      const { nodes, gateways, pass, run } = simulate(count, 1);
      const [{ view, states }] = gateways as [(typeof gateways)[0]];
      await run(async () => {
        view.start();
        await pass(400);
        assert.ok(view.holds());
        if (count === 1) return;
        nodes[1]!.pause();
        await pass(800);
        assert.ok(view.holds());
        assert.deepEqual(states(), ['full', 'behind']);
        assert.ok(view.isSettled(1));
      });
    }
  });
});
