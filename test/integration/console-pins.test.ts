import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { Gateway } from '../../src/gateway/gateway.ts';
import type { Logger } from '../../src/log.ts';
import { Pins } from '../../src/memcached/pins.ts';
import { connectStateNodes } from '../../src/memcached/state-node.ts';
import { gatewaySettings, startTestGateway } from '../support/gateway.ts';
import { recordingLogger } from '../support/log.ts';
import { startMemcached } from '../support/memcached.ts';
import { startScriptedServer } from '../support/scripted-server.ts';
import { until } from '../support/until.ts';
import { openWebSocket, startWebSocketBackend } from '../support/websocket.ts';

const CONSOLES = ['one', 'two', 'three'] as const;
const TOKENS = Array.from({ length: 8 }, (_, i) => `3f1c9a52-7b0e-4d58-9c11-00000000000${i}`);

/** A way to a memcached node that keeps all that goes through, in both directions. */
async function overheard(t: TestContext, port: number) {
  const chunks: Buffer[] = [];
  const { port: listening } = await startScriptedServer(t, (socket) => {
    const far = connect(port, '127.0.0.1').on('error', () => socket.destroy());
    socket.on('data', (chunk) => chunks.push(chunk)).pipe(far);
    far.on('data', (chunk) => chunks.push(chunk)).pipe(socket);
    socket.on('close', () => far.destroy());
  });
  return {
    address: `127.0.0.1:${listening}`,
    heard: () => Buffer.concat(chunks).toString('latin1'),
  };
}

async function stageOf(t: TestContext) {
  const consoles = await Promise.all(CONSOLES.map((name) => startWebSocketBackend(t, name)));
  const nodes = await Promise.all(CONSOLES.map(() => startMemcached(t)));
  const ways = await Promise.all(nodes.map(({ port }) => overheard(t, port)));
  const settings = {
    ...(await gatewaySettings(t)),
    PORTAL_BACKENDS: consoles[0]!.url,
    CONSOLE_LISTEN: '127.0.0.1:0',
    CONSOLE_BACKENDS: consoles.map(({ url }, i) => `${url} name=${CONSOLES[i]}`).join(','),
    CONSOLE_BALANCE: 'roundrobin',
    CONSOLE_HEALTH_CHECK: 'tcp',
    CONSOLE_HEALTH_PATH: '',
    CONSOLE_PIN_TTL: '10m',
    MEMCACHED_SERVERS: ways.map(({ address }) => address).join(','),
    HEARTBEAT_INTERVAL: '300ms',
    SLOW_START: '',
  };
  const start = (name: string, more: Record<string, string> = {}, logger?: Logger) =>
    startTestGateway(t, { ...settings, GATEWAY_NAME: name, ...more }, logger);
  return { consoles, nodes, ways, start };
}

/** Opens a console with the token and closes it again; the backend that it was on. */
async function visit(
  t: TestContext,
  gateway: Gateway,
  token: string,
  headers: Record<string, string> = {},
): Promise<string> {
  const path = headers.cookie ? '/' : `/?token=${token}`;
  const { port } = gateway.addresses.console!;
  const { socket, greeting } = await openWebSocket(t, port, path, headers);
  socket.terminate();
  return greeting;
}

/** Visits again in another order than the first time, or round robin would come to the same. */
async function assertBack(t: TestContext, gateway: Gateway, first: readonly string[]) {
  for (const [i, token] of [...TOKENS.entries()].reverse()) {
    assert.equal(await visit(t, gateway, token), first[i]);
  }
}

test('a console goes back to its backend, through whichever gateway, also after its own is gone', async (t) => {
  const { start } = await stageOf(t);
  const [a, b] = [await start('a'), await start('b')];
  const first: string[] = [];
  for (const token of TOKENS) first.push(await visit(t, a, token));
  assert.deepEqual([...new Set(first)].sort(), [...CONSOLES].sort(), 'they were spread');
  // Each has to be found where a put it, for b has never seen them.
  await assertBack(t, b, first);
  await a.close();
  const late = await start('late');
  await assertBack(t, late, first);
  // The cookie, as nova has it.
  const cookie = `other=1; token=${TOKENS[5]}`;
  assert.equal(await visit(t, late, '', { cookie }), first[5]);
});

test('a console whose backend is gone or drains goes elsewhere, and stays there', async (t) => {
  const { consoles, start } = await stageOf(t);
  const [a, b] = [await start('a', { HEALTH_FALL: '1' }), await start('b', { HEALTH_FALL: '1' })];
  const [token] = TOKENS as [string];
  const first = await visit(t, a, token);
  a.control.decide('console', first, { state: 'drain', weight: null }, 'gateway');
  const second = await visit(t, a, token);
  assert.notEqual(second, first);
  assert.equal(await visit(t, b, token), second, 'the latest counts');
  await consoles[CONSOLES.indexOf(second as never)]!.kill();
  const third = await visit(t, b, token);
  assert.notEqual(third, second);
  assert.equal(await visit(t, b, token), third);
});

test('a node that is lost takes no pin with it; without any, each gateway knows its own', async (t) => {
  const { nodes, start } = await stageOf(t);
  const [a, b] = [await start('a'), await start('b')];
  const first: string[] = [];
  for (const token of TOKENS) first.push(await visit(t, a, token));
  await nodes[1]!.kill();
  await assertBack(t, b, first);
  await Promise.all(nodes.map((node) => node.kill()));
  await assertBack(t, a, first);
  const stranger = await start('stranger');
  assert.ok(await visit(t, stranger, TOKENS[0]!));
});

test('gateways with other keys do not know the consoles of each other, and say so', async (t) => {
  const { start } = await stageOf(t);
  const { logger, lines } = recordingLogger();
  const { TLS_CERT, TLS_KEY } = await gatewaySettings(t);
  await start('a', { TLS_CERT: TLS_CERT!, TLS_KEY: TLS_KEY! });
  await start('b', {}, logger);
  const message = 'consoles are not recognised across gateways: their secrets differ';
  await until('it is told', () => lines.some(({ msg }) => msg === message));
});

test('gateways with other secrets do not hear each other, and say so', async (t) => {
  const { start } = await stageOf(t);
  const { logger, lines } = recordingLogger();
  await start('a', { SHARED_SECRET: 'the one of gateway a' });
  await start('b', { SHARED_SECRET: 'the one of gateway b' }, logger);
  const message = 'what gateways share is ignored where another secret, or none, has sealed it';
  await until('it is told', () => lines.some(({ msg }) => msg === message));
});

test('no token is ever in memcached, in the log or on the status page', async (t) => {
  const { ways, start } = await stageOf(t);
  const { logger, lines } = recordingLogger();
  const a = await start('a', { LOG_LEVEL: 'debug' }, logger);
  const b = await start('b', {}, logger);
  for (const gateway of [a, b]) for (const token of TOKENS) await visit(t, gateway, token);
  await visit(t, a, '', { cookie: `token=${TOKENS[0]}` });
  const { port } = a.addresses.admin!;
  const shown = await Promise.all(
    ['/', '/api/state'].map(async (path) =>
      (await fetch(`http://127.0.0.1:${port}${path}`)).text(),
    ),
  );
  const heard = ways.map((way) => way.heard());
  assert.ok(heard.some((text) => text.includes('dashgate:pin:')));
  await until('all is logged', () => {
    return lines.filter(({ msg }) => msg === 'websocket closed').length === 2 * TOKENS.length + 1;
  });
  for (const text of [...heard, ...shown, JSON.stringify(lines)]) {
    for (const token of TOKENS) {
      assert.ok(!text.includes(token));
      assert.ok(!text.includes(Buffer.from(token).toString('base64url')));
    }
  }
});

test('a pin is waited for no longer than told, and forgotten in time', async (t) => {
  const silent = await startScriptedServer(t, () => {});
  const nodes = connectStateNodes([`127.0.0.1:${silent.port}`]);
  t.after(() => {
    for (const node of nodes) node.close();
  });
  const clock = { now: 0 };
  const options = { nodes, secret: Buffer.from('s'), ttl: 600, waitMs: 50, maxRemembered: 2 };
  const pins = new Pins({ ...options, now: () => clock.now });
  const keys = TOKENS.map((token) => pins.keyOf(token));
  assert.equal(new Set(keys).size, TOKENS.length);
  assert.notEqual(new Pins({ ...options, secret: Buffer.from('t') }).keyOf(TOKENS[0]!), keys[0]);
  const begun = performance.now();
  assert.equal(await pins.recall(keys[0]!), undefined);
  assert.ok(performance.now() - begun < 300);
  pins.keep(keys[0]!, 'one');
  assert.equal(pins.recall(keys[0]!), 'one');
  clock.now = 600_000;
  assert.equal(await pins.recall(keys[0]!), undefined);
  for (const key of keys.slice(0, 3)) pins.keep(key, 'two');
  assert.equal(await pins.recall(keys[0]!), undefined, 'the oldest gives way');
  assert.equal(pins.recall(keys[2]!), 'two');
});
