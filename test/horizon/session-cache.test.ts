import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { CacheHealth } from '../../src/cache/cache-health.ts';
import { freePorts } from '../support/free-port.ts';
import type { DjangoClient } from './lab/dashboards.ts';
import { type Gateway, startGateway } from './lab/gateway.ts';
import { type MemcachedNode, startNode } from './lab/memcached.ts';
import { Visitor } from './lab/visitor.ts';
import { type Lab, startLab } from './lab.ts';

const USERS = 6;
/** A page that is made quickly, and where those are sent who are not logged in. */
const PAGE = '/settings/';
const LOGIN = '/auth/login/';
/** The client libraries, as Django's settings and as `MEMCACHED_PLACEMENT` name them. */
const CLIENTS: readonly (readonly [DjangoClient, string])[] = [
  ['pymemcache', 'pymemcache'],
  ['pylibmc', 'pylibmc'],
  ['memcached', 'python-memcached'],
];
/** What a click may take more than before for the sake of a node. */
const MAX_EXTRA_MS = 500;
const WHOLE_DEADLINE_MS = 60_000;
const PAUSE_MS = 3_000;

test('real Horizon on the session cache loses no login with a memcached node', async (t) => {
  const lab = await startLab(t, { client: 'pymemcache', proxySsl: true });
  const nodes = [...lab.nodes];
  for (const [client, placement] of CLIENTS) {
    await t.test(`with ${client}`, async (t) => {
      const [cachePort] = (await freePorts(1)) as [number];
      const start = (name: string, port?: number) =>
        startGateway(lab.programs, `${name}-${client}`, {
          portal: lab.dashboards.map(({ url }) => url),
          portalHealthPath: LOGIN,
          console: lab.consoles,
          memcached: nodes.map(({ address }) => address),
          placement,
          ...(port === undefined ? {} : { cachePort: port }),
        });
      // The dashboards need the cache to be there, and a portal the dashboards: two gateways.
      await lab.restartDashboards({ client, proxySsl: true });
      const keeper = await start('keeper', cachePort);
      t.after(() => keeper.program.stop());
      await lab.restartDashboards({
        client,
        proxySsl: true,
        memcached: [`127.0.0.1:${cachePort}`],
      });
      const gateway = await start('gateway');
      t.after(() => gateway.program.stop());
      await untilWhole(keeper);
      const users = await logIn(gateway);
      const usual = await click(users, 'while all nodes are there');

      for (const [index, node] of nodes.entries()) {
        await t.test(`node ${index + 1} is killed, and comes back empty`, async () => {
          await node.program.kill();
          await assertUndisturbed(users, usual, 'without the node');
          const fresh = new Visitor(gateway.portal, gateway.ca);
          assert.equal((await fresh.login()).status, 302);
          nodes[index] = await restart(lab, node, index);
          await assertUndisturbed(users, usual, 'when it is back');
          await untilWhole(keeper);
        });
      }
      await t.test('a node stands still for a while', async () => {
        const [node] = nodes as [MemcachedNode];
        node.program.signal('SIGSTOP');
        const resumed = delay(PAUSE_MS).then(() => node.program.signal('SIGCONT'));
        await assertUndisturbed(users, usual, 'while it stands still');
        await resumed;
        await assertUndisturbed(users, usual, 'when it goes on');
        await untilWhole(keeper);
      });
      await t.test('who has logged out stays out, whichever node is asked', async () => {
        const [leaver] = users as [Visitor];
        const cookie = `sessionid=${leaver.cookies.get('sessionid')}`;
        await leaver.get('/auth/logout/');
        for (const [index, node] of nodes.entries()) {
          await node.program.kill();
          const { status } = await new Visitor(gateway.portal, gateway.ca).get(PAGE, { cookie });
          assert.equal(status, 302);
          // Until it is missed, all would seem to be well, and the next one be killed too early.
          await untilMissed(keeper, node.address);
          nodes[index] = await restart(lab, node, index);
          await untilWhole(keeper);
        }
      });
    });
  }
});

function restart(lab: Lab, { address }: MemcachedNode, index: number): Promise<MemcachedNode> {
  const port = Number(address.slice(address.lastIndexOf(':') + 1));
  return startNode(lab.programs, `memcached-${index + 1}-again-${Date.now()}`, port);
}

async function logIn({ portal, ca }: Gateway): Promise<Visitor[]> {
  const users: Visitor[] = [];
  for (let i = 0; i < USERS; i++) {
    const visitor = new Visitor(portal, ca);
    await visitor.login();
    users.push(visitor);
  }
  return users;
}

/** Each user asks for a page, which writes the session anew; the longest time that it took, in ms. */
async function click(users: readonly Visitor[], when: string): Promise<number> {
  let longest = 0;
  for (const [index, user] of users.entries()) {
    const started = performance.now();
    const { status, headers } = await user.get(PAGE);
    longest = Math.max(longest, performance.now() - started);
    assert.equal(status, 200, `user ${index}, ${when}: ${status} to ${headers.location}`);
  }
  return longest;
}

async function assertUndisturbed(
  users: readonly Visitor[],
  usual: number,
  when: string,
): Promise<void> {
  const longest = await click(users, when);
  const most = usual + MAX_EXTRA_MS;
  assert.ok(longest < most, `${when}: a click took ${longest} ms, of ${most} ms`);
}

/** Resolves when the session cache believes every node, and has every item where it belongs. */
async function untilWhole(gateway: Gateway): Promise<void> {
  await untilHealth(gateway, ({ sure, nodes, move }) => {
    const isFull = nodes.every(({ state, reachable }) => state === 'full' && reachable);
    return sure && isFull && move === undefined;
  });
}

/** Resolves when the session cache knows that a node is lost. */
async function untilMissed(gateway: Gateway, address: string): Promise<void> {
  await untilHealth(gateway, ({ nodes }) =>
    nodes.some(({ node, state }) => node === address && state !== 'full'),
  );
}

async function untilHealth({ admin }: Gateway, is: (health: CacheHealth) => boolean) {
  const deadline = performance.now() + WHOLE_DEADLINE_MS;
  for (;;) {
    const { cache } = (await (await fetch(`${admin}/api/state`)).json()) as { cache: CacheHealth };
    if (is(cache)) return;
    assert.ok(performance.now() < deadline, `the nodes are ${JSON.stringify(cache.nodes)}`);
    await delay(100);
  }
}
