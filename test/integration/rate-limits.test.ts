import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import type { GatewayState } from '../../src/admin/state.ts';
import type { Gateway } from '../../src/gateway/gateway.ts';
import { startBackend } from '../support/backend.ts';
import { type Answer, fetchTls, startTestGateway } from '../support/gateway.ts';
import { startGatewayProcess } from '../support/gateway-process.ts';
import { startMemcached } from '../support/memcached.ts';
import { openTls } from '../support/tls-client.ts';
import { until } from '../support/until.ts';
import { startWebSocketBackend } from '../support/websocket.ts';

const LOGIN = '/dashboard/auth/login/';

function login(port: number, headers: Record<string, string> = {}): Promise<Answer> {
  return fetchTls(port, LOGIN, { method: 'POST', headers });
}

/** Asks so often, one after the other; how often it was answered. */
async function answered(port: number, times: number): Promise<number> {
  let count = 0;
  for (let i = 0; i < times; i += 1) {
    const { status } = await login(port);
    if (status === 200) count += 1;
    else assert.equal(status, 429);
  }
  return count;
}

const portal = ({ addresses }: Gateway) => addresses.portal!.port;

async function stateOf({ addresses }: Gateway): Promise<GatewayState> {
  return (await (
    await fetch(`http://127.0.0.1:${addresses.admin!.port}/api/state`)
  ).json()) as never;
}

describe('RATE_LIMITS', () => {
  test('answer what is too much with 429 and when to come back, and let all else through', async (t) => {
    const backend = await startBackend(t);
    const gateway = await startTestGateway(t, {
      PORTAL_BACKENDS: backend.url,
      RATE_LIMITS: '3/1m on POST /dashboard/auth/',
    });
    assert.equal(await answered(portal(gateway), 3), 3);
    const { status, headers, body } = await login(portal(gateway), { accept: 'application/json' });
    assert.equal(status, 429);
    const wait = Number(headers['retry-after']);
    assert.ok(wait > 50 && wait <= 60, `${wait} s`);
    assert.equal(JSON.parse(body).error, 'tooManyRequests');
    assert.equal((await fetchTls(portal(gateway), LOGIN)).status, 200);
    assert.equal((await fetchTls(portal(gateway), '/x', { method: 'POST' })).status, 200);
    assert.equal(backend.requests.length, 5);
    assert.equal((await stateOf(gateway)).refusals?.rateLimited, 1);
  });

  test('count by the last address in X-Forwarded-For that is no trusted proxy', async (t) => {
    const backend = await startBackend(t);
    const gateway = await startTestGateway(t, {
      PORTAL_BACKENDS: backend.url,
      RATE_LIMITS: '1/1m on /dashboard/auth/',
      TRUSTED_PROXIES: '127.0.0.1',
    });
    const from = async (told: string) =>
      (await login(portal(gateway), { 'x-forwarded-for': told })).status;
    assert.equal(await from('192.0.2.1'), 200);
    assert.equal(await from('198.51.100.7, 192.0.2.1'), 429);
    assert.equal(await from('192.0.2.2'), 200);
    assert.equal(await from('2001:db8::1'), 200);
    assert.equal(await from('2001:db8::2'), 429);
  });

  test('hold over two gateways, and for each alone when memcached is killed or stands still', async (t) => {
    const backend = await startBackend(t);
    const node = await startMemcached(t);
    const settings = {
      PORTAL_BACKENDS: backend.url,
      RATE_LIMITS: '10/1m on POST /dashboard/auth/, 4/1m on PUT /, 4/1m on PATCH /',
      MEMCACHED_SERVERS: node.address,
    };
    const [a, b] = [await startTestGateway(t, settings), await startTestGateway(t, settings)];
    assert.equal(await answered(portal(a), 6), 6);
    // The first one there has the other learn of all.
    assert.equal(await answered(portal(b), 1), 1);
    let more = 0;
    await until('b has had enough', async () => {
      const { status } = await login(portal(b));
      if (status === 200) more += 1;
      return status === 429;
    });
    // At most what it has answered within the time that it takes to tell.
    assert.ok(more >= 3 && more <= 9, `${more} more`);
    await node.pause();
    const ask = async (gateway: Gateway, method: string) => {
      const began = performance.now();
      const { status } = await fetchTls(portal(gateway), '/x', { method });
      assert.ok(performance.now() - began < 500, 'nothing waits for memcached');
      return status;
    };
    const assertAlone = async (gateway: Gateway, method: string) => {
      for (let i = 0; i < 4; i += 1) assert.equal(await ask(gateway, method), 200);
      assert.equal(await ask(gateway, method), 429);
    };
    for (const gateway of [a, b]) await assertAlone(gateway, 'PUT');
    await node.kill();
    for (const gateway of [a, b]) {
      assert.equal(await ask(gateway, 'PUT'), 429, 'what is known stays known');
      await assertAlone(gateway, 'PATCH');
    }
    assert.equal(await answered(portal(b), 1), 0, 'what was learned of others, too');
  });

  test('hold over the workers of a gateway, without memcached', async (t) => {
    const backend = await startBackend(t);
    const gateway = await startGatewayProcess(t, {
      PORTAL_BACKENDS: backend.url,
      RATE_LIMITS: '50/1m on POST /dashboard/auth/',
    });
    const port = gateway.port('portal');
    await until('both refuse', async () => {
      let refused = 0;
      for (let i = 0; i < 12; i += 1) refused += (await login(port)).status === 429 ? 1 : 0;
      return refused === 12;
    });
    const passed = backend.requests.length;
    assert.ok(passed >= 50 && passed < 100, `${passed} have passed, of 50 for each worker alone`);
    await until('it is told', async () => {
      const { refusals } = await gateway.state();
      return (refusals?.rateLimited ?? 0) >= 12;
    });
  });
});

test('PORTAL_DENY closes paths however they are spelled, on the console as well', async (t) => {
  const backend = await startBackend(t);
  const novnc = await startWebSocketBackend(t, 'hello');
  const gateway = await startTestGateway(t, {
    PORTAL_BACKENDS: backend.url,
    CONSOLE_LISTEN: '127.0.0.1:0',
    CONSOLE_BACKENDS: novnc.url,
    CONSOLE_HEALTH_EXPECT: '200',
  });
  const spelled = [
    '/server-status',
    '/server-status?auto',
    '/server-status/x',
    '/Server-Status',
    '//server-status',
    '/./server-status',
    '/x/../server-status',
    '/x/%2e%2e/server-status',
    '/%73erver%2dstatus',
    '/x%2f..%2fserver-status',
    '/server-status%2f',
  ];
  for (const path of spelled) {
    for (const { port } of [gateway.addresses.portal!, gateway.addresses.console!]) {
      assert.equal((await fetchTls(port, path)).status, 403, path);
    }
  }
  assert.equal(backend.requests.length, 0);
  assert.equal((await fetchTls(gateway.addresses.console!.port, '/vnc_lite.html')).status, 200);
});

describe('CONNECTIONS_PER_ADDRESS', () => {
  test('has one more closed as it comes, until another one ends', async (t) => {
    const backend = await startBackend(t);
    const gateway = await startTestGateway(t, {
      PORTAL_BACKENDS: backend.url,
      CONNECTIONS_PER_ADDRESS: '2',
      PORTAL_PLAIN_LISTEN: '127.0.0.1:0',
    });
    const open = [openTls(portal(gateway)), openTls(portal(gateway))];
    await Promise.all(open.map(({ tls }) => once(tls, 'secureConnect')));
    await assert.rejects(fetchTls(portal(gateway), '/x'), /ECONNRESET|disconnected|hang up/);
    assert.equal((await stateOf(gateway)).refusals?.connectionsOfAddress, 1);
    // Each listener counts its own.
    const plain = connect({ port: gateway.addresses.plain!.port, host: '127.0.0.1' });
    plain.write('GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const [answer] = await once(plain, 'data');
    assert.match(String(answer), /^HTTP\/1\.1 200 /);
    plain.destroy();
    open[0]!.tls.destroy();
    await until('there is room', () =>
      fetchTls(portal(gateway), '/x').then(
        ({ status }) => status === 200,
        () => false,
      ),
    );
    open[1]!.tls.destroy();
  });

  test('is not for trusted proxies, through which everybody comes', async (t) => {
    const backend = await startBackend(t);
    const gateway = await startTestGateway(t, {
      PORTAL_BACKENDS: backend.url,
      CONNECTIONS_PER_ADDRESS: '1',
      TRUSTED_PROXIES: '127.0.0.0/8',
    });
    const { tls } = openTls(portal(gateway));
    await once(tls, 'secureConnect');
    assert.equal((await fetchTls(portal(gateway), '/x')).status, 200);
    tls.destroy();
  });
});
