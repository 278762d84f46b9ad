import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import type { BackendState, GatewayState } from '../../src/admin/state.ts';
import type { Gateway } from '../../src/gateway/gateway.ts';
import { acceptOf } from '../../src/upstream/handshake.ts';
import { startBackend } from '../support/backend.ts';
import { exchangeRaw, fetchTls, startTestGateway } from '../support/gateway.ts';
import { recordingLogger } from '../support/log.ts';
import { startScriptedServer } from '../support/scripted-server.ts';
import { until } from '../support/until.ts';
import { openWebSocket, startWebSocketBackend } from '../support/websocket.ts';

const HANDSHAKE =
  'GET /?token=t HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n';
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n';

async function backendsOf(gateway: Gateway, service: string): Promise<readonly BackendState[]> {
  const answer = await fetch(`http://127.0.0.1:${gateway.addresses.admin!.port}/api/state`);
  const { services } = (await answer.json()) as GatewayState;
  return services.find(({ name }) => name === service)!.backends;
}

const SETTINGS = {
  CONSOLE_LISTEN: '127.0.0.1:0',
  CONSOLE_BALANCE: 'roundrobin',
  CONSOLE_HEALTH_CHECK: 'tcp',
  CONSOLE_HEALTH_PATH: '',
  CONSOLE_EJECTION: 'failures=2 time=1h max=1h percent=50',
  HEALTH_INTERVAL: '1h',
  SERVER_TIMEOUT: '300ms',
  KEEPALIVE_TIMEOUT: '50ms',
  RETRIES: '0',
};

/** A gateway before a console that does this with handshakes, and one that is sound. */
async function gatewayBefore(t: TestContext, serve: (socket: Socket) => void) {
  const sound = await startWebSocketBackend(t, 'sound');
  const bad = await startScriptedServer(t, (socket) => {
    socket.on('end', () => socket.end());
    socket.once('data', () => serve(socket));
  });
  const { logger, lines } = recordingLogger();
  const gateway = await startTestGateway(
    t,
    {
      ...SETTINGS,
      PORTAL_BACKENDS: sound.url,
      CONSOLE_BACKENDS: `${bad.url} name=bad,${sound.url} name=sound`,
    },
    logger,
  );
  return { gateway, bad, lines };
}

/** What handshakes are answered until `count` of them were not answered by the sound console. */
async function statusesOfBad(t: TestContext, port: number, count: number): Promise<string[]> {
  const statuses: string[] = [];
  for (let tries = 0; statuses.length < count && tries < 2 * count + 2; tries += 1) {
    const opened = await openWebSocket(t, port).catch((error: Error) => error.message);
    if (typeof opened === 'string') statuses.push(opened);
  }
  return statuses;
}

describe('a console that spoils handshakes is told by its code and then left out', () => {
  for (const [what, serve, code] of [
    ['never answers', () => {}, /504/],
    ['answers 200', (s: Socket) => s.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi'), /200/],
    ['answers 500', (s: Socket) => s.end('HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n'), /500/],
    [
      'answers another key',
      (s: Socket) => s.write(`${SWITCH}Sec-WebSocket-Accept: ${acceptOf('x')}\r\n\r\n`),
      /502/,
    ],
    ['answers no key', (s: Socket) => s.write(`${SWITCH}\r\n`), /502/],
    ['resets', (s: Socket) => s.resetAndDestroy(), /502/],
  ] as const) {
    test(what, async (t) => {
      const { gateway, bad, lines } = await gatewayBefore(t, serve);
      const { port } = gateway.addresses.console!;
      const statuses = await statusesOfBad(t, port, 2);
      assert.equal(statuses.length, 2);
      for (const status of statuses) assert.match(status, code);
      await until('it is ejected', async () => (await backendsOf(gateway, 'console'))[0]!.ejected);
      for (let i = 0; i < 4; i += 1) {
        assert.equal((await openWebSocket(t, port)).greeting, 'sound');
      }
      const [state, other] = await backendsOf(gateway, 'console');
      assert.deepEqual([state!.health, state!.adminState, state!.usable], ['up', 'ready', false]);
      assert.equal(other!.ejected, false);
      assert.ok(lines.some(({ msg }) => msg === 'backend is ejected'));
      await until('nothing is left of it', () => bad.sockets.size === 0);
      assert.equal(state!.active, 0);
      const page = await fetch(`http://127.0.0.1:${gateway.addresses.admin!.port}/`);
      assert.match(await page.text(), />ejected</);
    });
  }
});

test('what a client is refused for is not held against its console', async (t) => {
  const { gateway } = await gatewayBefore(t, (socket) =>
    socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n'),
  );
  const statuses = await statusesOfBad(t, gateway.addresses.console!.port, 4);
  assert.equal(statuses.length, 4);
  const [state] = await backendsOf(gateway, 'console');
  assert.deepEqual([state!.ejected, state!.failedInARow], [false, 0]);
});

test('a dashboard that answers nothing but 500 is left out, and is back in time with a part of its share', async (t) => {
  let broken = true;
  const bad = await startBackend(
    t,
    (_req, res) => void res.writeHead(broken ? 500 : 200).end('bad'),
  );
  const good = await startBackend(t, (_req, res) => void res.end('good'));
  const gateway = await startTestGateway(t, {
    PORTAL_BACKENDS: `${bad.url} name=bad,${good.url} name=good`,
    PORTAL_EJECTION: 'failures=3 time=400ms max=1s percent=50',
    SLOW_START: '1h',
  });
  const { port } = gateway.addresses.portal!;
  const bodies: string[] = [];
  for (let i = 0; i < 8; i += 1) bodies.push((await fetchTls(port, '/x')).body);
  assert.equal(bodies.filter((body) => body === 'bad').length, 3);
  assert.equal((await backendsOf(gateway, 'portal'))[0]!.ejected, true);
  broken = false;
  await until('it is back', async () => !(await backendsOf(gateway, 'portal'))[0]!.ejected);
  assert.equal((await backendsOf(gateway, 'portal'))[0]!.ramp, 0.1);
});

test('the last console that is usable is never left out, however it fails', async (t) => {
  const bad = await startScriptedServer(t, (socket) => {
    socket.once('data', () => socket.resetAndDestroy());
  });
  const gateway = await startTestGateway(t, {
    ...SETTINGS,
    PORTAL_BACKENDS: bad.url,
    CONSOLE_BACKENDS: bad.url,
  });
  for (let i = 0; i < 6; i += 1) {
    assert.match(await exchangeRaw(gateway.addresses.console!.port, HANDSHAKE), /^HTTP\/1\.1 502/);
  }
  assert.equal((await backendsOf(gateway, 'console'))[0]!.ejected, false);
});
