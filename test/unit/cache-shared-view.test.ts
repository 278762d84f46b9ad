import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sleep } from '../../src/cache/clock.ts';
import { checkedSpec } from '../../src/cache/layout.ts';
import { VIEW_KEY } from '../../src/cache/reserved-keys.ts';
import { SharedView } from '../../src/cache/shared-view.ts';
import { entryOf, initialView, type View, withCopies } from '../../src/cache/view-document.ts';
import { decodeView, encodeView } from '../../src/cache/view-encoding.ts';
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
    const addresses = nodes.map(({ address }) => address);
    const view = new SharedView({
      spec: checkedSpec({ nodes: addresses, placement: 'pymemcache', copies: 2 }),
      connect: (address) => simulatedCacheNode(links[addresses.indexOf(address)]!, deadlines),
      clock: world.clockOf(index),
      timing: TIMING,
    });
    const place = (node: number) => view.place(addresses[node]!, view.arrangement.written);
    const entry = (node: number) => place(node).entry;
    const refill = (node: number) => {
      for (const state of ['refilling', 'full'] as const) {
        view.change((known, now) =>
          withCopies(known, addresses[node]!, view.arrangement.written, state, now),
        );
      }
    };
    const cut = (node: number, isCut: boolean) => {
      links[node]!.requestsCut = isCut;
      links[node]!.answersCut = isCut;
    };
    const states = () => nodes.map((_, node) => entry(node).state);
    return { view, place, entry, refill, cut, states };
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
  const stateIn = (view: View | undefined, node: number) =>
    view && entryOf(view, nodes[node]!.address, [...view.layouts.values()]).state;
  return { world, nodes, gateways, pass, run, documentOn, stateIn };
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
      for (const { view, place, states } of gateways) {
        assert.ok(view.holds());
        assert.deepEqual(states(), ['full', 'full', 'full']);
        assert.ok([0, 1, 2].every((node) => view.isSettled(place(node))));
      }
      for (const node of [0, 1, 2]) assert.equal(documentOn(node)?.nodes.size, 3);
    });
  });

  it('is what was agreed before, for a gateway that comes later', async () => {
    const { gateways, pass, run } = simulate(3, 2);
    const [first, second] = gateways;
    await run(async () => {
      first!.view.start();
      await pass(400);
      first!.view.lose(first!.place(1), first!.entry(1));
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
      const entry = first!.entry(0);
      first!.view.lose(first!.place(0), entry);
      const lost = first!.entry(0);
      assert.equal(lost.state, 'behind');
      first!.view.lose(first!.place(0), entry);
      assert.equal(first!.entry(0), lost, 'it was seen in a state that is past');
      assert.equal(await first!.view.settled(first!.place(0)), true);
      assert.equal(second!.states()[0], 'full');
      assert.equal(second!.view.holds(), false);
      assert.equal(await second!.view.refresh(), false);
      second!.cut(1, false);
      second!.cut(2, false);
      assert.equal(await second!.view.refresh(), true);
      assert.equal(second!.states()[0], 'behind');
    });
  });

  it('gives a node up for a request that it failed while it became full', async () => {
    const { gateways, pass, run } = simulate(3, 1);
    const [{ view, place, entry, refill, states }] = gateways as [(typeof gateways)[0]];
    await run(async () => {
      view.start();
      await pass(400);
      view.lose(place(0), entry(0));
      const behind = entry(0);
      refill(0);
      assert.equal(states()[0], 'full');
      view.lose(place(0), behind);
      assert.equal(states()[0], 'behind');
    });
  });

  it('does not tell of a change that no majority can learn', async () => {
    const { gateways, pass, run } = simulate(3, 1);
    const [{ view, place, entry, cut }] = gateways as [(typeof gateways)[0]];
    await run(async () => {
      view.start();
      await pass(400);
      cut(1, true);
      cut(2, true);
      view.lose(place(0), entry(0));
      assert.equal(await view.settled(place(0)), false);
    });
  });

  it('has a node behind that does not answer, or that was restarted, without any write', async () => {
    const { nodes, gateways, pass, run, documentOn, stateIn } = simulate(3, 2);
    await run(async () => {
      for (const { view } of gateways) view.start();
      await pass(400);
      nodes[0]!.pause();
      await pass(400);
      for (const { states } of gateways) assert.deepEqual(states(), ['behind', 'full', 'full']);
      nodes[0]!.resume(0);
      for (const { refill } of gateways) refill(0);
      await pass(400);
      for (const { states } of gateways) assert.deepEqual(states(), ['full', 'full', 'full']);
      nodes[2]!.stop();
      nodes[2]!.restartEmpty();
      await pass(400);
      for (const { states } of gateways) assert.deepEqual(states(), ['full', 'full', 'behind']);
      assert.equal(stateIn(documentOn(2), 2), 'behind');
    });
  });

  it('gives up no node that merely does not answer where that costs the last full copy', async () => {
    const { nodes, gateways, pass, run } = simulate(3, 1);
    const [{ view, place, entry, states }] = gateways as [(typeof gateways)[0]];
    await run(async () => {
      view.start();
      await pass(400);
      view.lose(place(0), entry(0));
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
      const [{ view, place, states }] = gateways as [(typeof gateways)[0]];
      await run(async () => {
        view.start();
        await pass(400);
        assert.ok(view.holds());
        if (count === 1) return;
        nodes[1]!.pause();
        await pass(800);
        assert.ok(view.holds());
        assert.deepEqual(states(), ['full', 'behind']);
        assert.ok(view.isSettled(place(1)));
      });
    }
  });

  it('does not take the view of another cluster for its own, and replaces it', async () => {
    const { nodes, gateways, pass, run, documentOn } = simulate(3, 1);
    const [{ view, states }] = gateways as [(typeof gateways)[0]];
    const foreign = initialView({ nodes: ['x:1'], placement: 'pylibmc', copies: 1 }, 5);
    await run(async () => {
      nodes[1]!.put(VIEW_KEY, encodeView(foreign), 0, 0);
      for (const node of [0, 2]) {
        const other = initialView(
          { nodes: nodes.map(({ address }) => address), placement: 'pymemcache', copies: 2 },
          7,
        );
        nodes[node]!.put(VIEW_KEY, encodeView(other), 0, 0);
      }
      view.start();
      await pass(800);
      assert.ok(view.holds());
      assert.deepEqual(view.arrangement.written.length, 1);
      assert.deepEqual(states(), ['full', 'behind', 'full']);
      assert.deepEqual([...documentOn(1)!.nodes.keys()].sort(), ['n0:1', 'n1:1', 'n2:1']);
    });
  });

  it('takes nothing from a node that lies which nobody could read any more, and gives that node up', async () => {
    const { nodes, gateways, pass, run, documentOn } = simulate(3, 2);
    const lies: ((document: ReturnType<typeof JSON.parse>) => void)[] = [
      (document) => {
        document.write = document.read + 3;
      },
      (document) => {
        document.read = document.write = Number.MAX_SAFE_INTEGER;
      },
      (document) => {
        document.nodes[1][1] = Number.MAX_SAFE_INTEGER;
      },
      (document) => {
        for (const node of document.nodes) node[2] = Number.MAX_SAFE_INTEGER;
      },
    ];
    await run(async () => {
      for (const { view } of gateways) view.start();
      await pass(400);
      for (const lie of lies) {
        const document = JSON.parse(nodes[0]!.get(VIEW_KEY)!.value.toString());
        lie(document);
        nodes[0]!.put(VIEW_KEY, Buffer.from(JSON.stringify(document)), 0, 0);
        await pass(800);
        for (const { view, states } of gateways) {
          assert.ok(view.holds());
          assert.deepEqual(states(), ['behind', 'full', 'full']);
          assert.equal(view.arrangement.written.length, 1);
          assert.equal(view.current.nodes.get('n0:1')!.losses, 2);
        }
        assert.equal(documentOn(0)!.nodes.get('n1:1')!.losses, 1);
      }
    });
  });
});
