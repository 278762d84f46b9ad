import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { WebSocket } from 'ws';
import type { BackendState, GatewayState } from '../../src/admin/state.ts';
import type { Gateway } from '../../src/gateway/gateway.ts';
import { decodeDecisions } from '../../src/memcached/decisions.ts';
import { connectStateNodes } from '../../src/memcached/state-node.ts';
import { gatewaySettings, startTestGateway } from '../support/gateway.ts';
import { recordingLogger } from '../support/log.ts';
import { type RunningMemcached, startMemcached } from '../support/memcached.ts';
import { until } from '../support/until.ts';
import { openWebSocket, startWebSocketBackend } from '../support/websocket.ts';

const CONSOLES = ['one', 'two', 'three'] as const;
const DECISIONS = 'dashgate:state:decisions';
const DRAIN = { state: 'drain', weight: null } as const;

async function stateOf(gateway: Gateway): Promise<GatewayState> {
  const answer = await fetch(`http://127.0.0.1:${gateway.addresses.admin!.port}/api/state`);
  return (await answer.json()) as GatewayState;
}

async function consoleOf(gateway: Gateway, name: string): Promise<BackendState> {
  const { services } = await stateOf(gateway);
  return services[1]!.backends.find((backend) => backend.name === name)!;
}

/** Gateways, real consoles and real memcached nodes, which know each other. */
async function stageOf(t: TestContext, options: { maxconn?: number; nodes?: number } = {}) {
  const consoles = await Promise.all(CONSOLES.map((name) => startWebSocketBackend(t, name)));
  const nodes = await Promise.all(
    Array.from({ length: options.nodes ?? 3 }, () => startMemcached(t)),
  );
  const settings = {
    ...(await gatewaySettings(t)),
    PORTAL_BACKENDS: consoles[0]!.url,
    CONSOLE_LISTEN: '127.0.0.1:0',
    CONSOLE_BACKENDS: consoles
      .map(({ url }, i) => `${url} name=${CONSOLES[i]} maxconn=${options.maxconn ?? 100}`)
      .join(','),
    CONSOLE_HEALTH_CHECK: 'tcp',
    CONSOLE_HEALTH_PATH: '',
    MEMCACHED_SERVERS: nodes.map(({ address }) => address).join(','),
    HEARTBEAT_INTERVAL: '300ms',
    SLOW_START: '',
  };
  const start = async (name: string, more: Record<string, string> = {}, logger?: never) =>
    startTestGateway(t, { ...settings, GATEWAY_NAME: name, ...more }, logger);
  return { consoles, nodes, start };
}

async function meet(...gateways: Gateway[]): Promise<void> {
  await until('they know each other', async () => {
    const states = await Promise.all(gateways.map(stateOf));
    return states.every(({ shared }) => shared?.peers.length === gateways.length - 1);
  });
}

let tokens = 0;

async function open(
  t: TestContext,
  gateway: Gateway,
): Promise<{ socket: WebSocket; name: string }> {
  tokens += 1;
  const { port } = gateway.addresses.console!;
  const { socket, greeting } = await openWebSocket(t, port, `/?token=${tokens}`);
  return { socket, name: greeting };
}

async function restart(t: TestContext, nodes: readonly RunningMemcached[]): Promise<void> {
  await Promise.all(nodes.map((node) => node.kill()));
  await Promise.all(nodes.map(({ port }) => startMemcached(t, { port })));
}

test('a drain that is decided on one gateway is obeyed by the other, and cuts nothing', async (t) => {
  const { start } = await stageOf(t);
  const [a, b] = [await start('a'), await start('b')];
  await meet(a, b);
  const before = await Promise.all(CONSOLES.map(() => open(t, b)));
  a.control.decide('console', 'two', DRAIN);
  await until('b drains, too', async () => (await consoleOf(b, 'two')).adminState === 'drain');
  for (const gateway of [a, b]) {
    const names = await Promise.all(Array.from({ length: 6 }, () => open(t, gateway)));
    assert.ok(names.every(({ name }) => name !== 'two'));
  }
  assert.deepEqual(before.map(({ name }) => name).sort(), [...CONSOLES].sort());
  assert.ok(before.every(({ socket }) => socket.readyState === socket.OPEN));
  const { shared } = await stateOf(b);
  assert.deepEqual(shared!.decisions, [
    { subject: 'console/two', ...DRAIN, scope: 'cluster', version: 1, by: 'a' },
  ]);
  b.control.decide('console', 'two', { state: 'ready', weight: 7 });
  await until('a takes it back', async () => (await consoleOf(a, 'two')).adminState === 'ready');
  assert.equal((await consoleOf(a, 'two')).weight, 7);
});

test('a decision for one gateway alone stands there before that of the cluster', async (t) => {
  const { start } = await stageOf(t);
  const [a, b] = [await start('a'), await start('b')];
  await meet(a, b);
  b.control.decide('console', 'two', { state: 'ready', weight: null }, 'gateway');
  a.control.decide('console', 'two', { state: 'maint', weight: null });
  const subject = 'console/two';
  await until('b knows of it', async () =>
    (await stateOf(b)).shared!.decisions.some(
      (decision) => decision.subject === subject && decision.state === 'maint',
    ),
  );
  assert.equal((await consoleOf(b, 'two')).adminState, 'ready');
  b.control.follow('console', 'two');
  assert.equal((await consoleOf(b, 'two')).adminState, 'maint');
  assert.throws(() => a.control.decide('console', 'four', DRAIN), /no console\/four; there are/);
  const weight = { state: 'ready', weight: 257 } as const;
  assert.throws(() => a.control.decide('console', 'two', weight), /0 to 256/);
});

test('decisions outlive the loss of all of memcached, and reach a gateway that was away', async (t) => {
  const { nodes, start } = await stageOf(t);
  const [a, b] = [await start('a'), await start('b')];
  await meet(a, b);
  a.control.decide('console', 'two', DRAIN);
  await until('b drains, too', async () => (await consoleOf(b, 'two')).adminState === 'drain');
  await b.close();
  await Promise.all(nodes.map((node) => node.kill()));
  // Made while there is nobody to tell.
  a.control.decide('console', 'three', { state: 'ready', weight: 3 });
  assert.equal((await consoleOf(a, 'three')).weight, 3);
  assert.equal((await consoleOf(a, 'two')).adminState, 'drain');
  assert.equal((await open(t, a)).name === 'two', false);
  await restart(t, nodes);
  const late = await start('late');
  await until('all of it is known', async () => {
    const [two, three] = [await consoleOf(late, 'two'), await consoleOf(late, 'three')];
    return two.adminState === 'drain' && three.weight === 3;
  });
  await meet(a, late);
});

test('a node that lost its data is given the decisions again, from whichever gateway', async (t) => {
  const { nodes, start } = await stageOf(t);
  const [a, b] = [await start('a'), await start('b')];
  await meet(a, b);
  a.control.decide('console', 'two', DRAIN);
  await until('b drains, too', async () => (await consoleOf(b, 'two')).adminState === 'drain');
  await a.close();
  await restart(t, nodes);
  const access = connectStateNodes(nodes.map(({ address }) => address));
  t.after(() => {
    for (const node of access) node.close();
  });
  for (const node of access) {
    await until(`${node.address} has it`, async () => {
      const item = await node.fetch([DECISIONS]).then(
        (items) => items.get(DECISIONS),
        () => undefined,
      );
      const decisions = item && decodeDecisions(item.value);
      return decisions?.get('console/two')?.state === 'drain';
    });
  }
  // What is evicted, or replaced by nonsense, is written back as well.
  await access[0]!.set(DECISIONS, Buffer.from('nonsense'), 0);
  await access[1]!.set(DECISIONS, Buffer.from('gone'), -1);
  for (const node of access.slice(0, 2)) {
    await until(`${node.address} has it again`, async () => {
      const item = (await node.fetch([DECISIONS])).get(DECISIONS);
      return item !== undefined && decodeDecisions(item.value) !== undefined;
    });
  }
});

test('with SHARED_SECRET, what a node makes up takes no backend out of use, and is told of', async (t) => {
  const { nodes, start } = await stageOf(t, { nodes: 1 });
  const { logger, lines } = recordingLogger();
  const secret = { SHARED_SECRET: 'the same at both of them' };
  const [a, b] = [await start('a', secret, logger as never), await start('b', secret)];
  await meet(a, b);
  a.control.decide('console', 'two', DRAIN);
  await until('b drains, too', async () => (await consoleOf(b, 'two')).adminState === 'drain');
  const [access] = connectStateNodes(nodes.map(({ address }) => address));
  t.after(() => access!.close());
  const rows = CONSOLES.map((name) => [`console/${name}`, 1_000, 'maint', 0, 'c']);
  const forged = Buffer.from(JSON.stringify({ dashgate: 1, decisions: rows }));
  await access!.set(DECISIONS, forged, 0);
  await until('it is replaced', async () => {
    const item = (await access!.fetch([DECISIONS])).get(DECISIONS);
    return item !== undefined && !item.value.equals(forged);
  });
  for (const gateway of [a, b]) {
    const states = await Promise.all(CONSOLES.map((name) => consoleOf(gateway, name)));
    const decided = states.map(({ adminState }) => adminState);
    assert.deepEqual(decided, ['ready', 'drain', 'ready']);
  }
  const told = lines.filter(({ msg }) =>
    /another secret, or none, has sealed it/.test(String(msg)),
  );
  assert.equal(told.length, 1);
  assert.match(String(told[0]!.remedy), /^give all gateways the same SHARED_SECRET/);
});

test('tunnels are counted over both gateways, and those of one that is gone no longer', async (t) => {
  const { start } = await stageOf(t);
  const [a, b] = [await start('a'), await start('b')];
  await meet(a, b);
  for (const name of ['two', 'three']) a.control.decide('console', name, DRAIN, 'gateway');
  await Promise.all(Array.from({ length: 12 }, () => open(t, a)));
  await until('b knows', async () => (await consoleOf(b, 'one')).elsewhere === 12);
  const { peers } = (await stateOf(b)).shared!;
  assert.equal(peers[0]!.name, 'a');
  assert.ok(peers[0]!.ageMs < 1_500);
  assert.deepEqual(peers[0]!.services[1]!.backends[0], { name: 'one', tunnels: 12, health: 'up' });
  for (let i = 0; i < 12; i += 1) await open(t, b);
  const counts = await Promise.all(CONSOLES.map((name) => consoleOf(b, name)));
  const [one, two, three] = counts.map(({ tunnels }) => tunnels) as [number, number, number];
  assert.ok(one <= 1 && Math.abs(two - three) <= 1, `${one} ${two} ${three}`);
  await a.close();
  await until('b is alone', async () => (await stateOf(b)).shared!.peers.length === 0);
  assert.equal((await consoleOf(b, 'one')).elsewhere, 0);
});

test('maxconn of a console holds over both gateways', async (t) => {
  const { start } = await stageOf(t, { maxconn: 4 });
  const [a, b] = [await start('a'), await start('b', { QUEUE_TIMEOUT: '4s' })];
  await meet(a, b);
  const opened = await Promise.all(Array.from({ length: 12 }, () => open(t, a)));
  await until('b knows', async () => {
    const known = await Promise.all(CONSOLES.map((name) => consoleOf(b, name)));
    return known.every(({ elsewhere }) => elsewhere === 4);
  });
  await assert.rejects(open(t, b), /503/);
  const waiting = open(t, b);
  opened[0]!.socket.close();
  assert.equal((await waiting).name, opened[0]!.name);
});

test('a gateway that goes by the name of another says so', async (t) => {
  const { start } = await stageOf(t);
  await start('twin');
  const { logger, lines } = recordingLogger();
  await start('twin', {}, logger as never);
  const message = 'another gateway goes by the same name';
  await until('it is told', () => lines.some(({ msg }) => msg === message));
});

test('memcached that stands still holds up neither consoles nor decisions', async (t) => {
  const { nodes, start } = await stageOf(t);
  const a = await start('a', { CONSOLE_PIN_TTL: '10m' });
  await Promise.all(nodes.map((node) => node.pause()));
  const begun = performance.now();
  await open(t, a);
  a.control.decide('console', 'two', DRAIN);
  assert.notEqual((await open(t, a)).name, 'two');
  const took = performance.now() - begun;
  // The nodes themselves are waited for half a second each time.
  assert.ok(took < 900, `${took} ms for two consoles`);
  for (const node of nodes) node.resume();
});
