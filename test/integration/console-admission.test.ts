import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { WebSocket } from 'ws';
import { Cluster } from '../../src/memcached/cluster.ts';
import { newSessionId, sessionKeyPrefix } from '../../src/session/django-session.ts';
import type { PyValue } from '../../src/session/pickle-values.ts';
import { writePickle } from '../../src/session/pickle-writer.ts';
import { UPGRADE } from '../support/abort-stage.ts';
import { type DjangoSite, startSite } from '../support/django/site.ts';
import { fetchTls, startTestGateway } from '../support/gateway.ts';
import { recordingLogger } from '../support/log.ts';
import { startMemcached } from '../support/memcached.ts';
import { leaveTls, openTls } from '../support/tls-client.ts';
import { until } from '../support/until.ts';
import { startWebSocketBackend, type WebSocketBackend } from '../support/websocket.ts';

interface Attempt {
  /** 101, or what came instead. */
  readonly status: number;
  readonly body: string;
  readonly socket: WebSocket;
}

/** Tries to open a console. */
async function attempt(
  t: TestContext,
  port: number,
  headers: Record<string, string> = {},
): Promise<Attempt> {
  const socket = new WebSocket(`wss://127.0.0.1:${port}/?token=secret`, {
    rejectUnauthorized: false,
    headers,
  });
  socket.on('error', () => {});
  t.after(() => socket.terminate());
  const { promise, resolve } = Promise.withResolvers<Attempt>();
  socket.once('open', () => resolve({ status: 101, body: '', socket }));
  socket.once('unexpected-response', async (_request, response) => {
    let body = '';
    for await (const chunk of response) body += chunk;
    resolve({ status: response.statusCode ?? 0, body, socket });
  });
  return promise;
}

async function start(
  t: TestContext,
  settings: Record<string, string>,
  backend?: WebSocketBackend,
  logger = recordingLogger(),
) {
  const console = backend ?? (await startWebSocketBackend(t, 'one'));
  const gateway = await startTestGateway(
    t,
    {
      PORTAL_BACKENDS: 'http://127.0.0.1:9',
      CONSOLE_LISTEN: '127.0.0.1:0',
      CONSOLE_BACKENDS: console.url,
      CONSOLE_HEALTH_EXPECT: '200-499',
      HEALTH_INTERVAL: '1h',
      ...settings,
    },
    logger.logger,
  );
  return { port: gateway.addresses.console!.port, console, gateway, lines: logger.lines };
}

describe('a console that needs a session (CONSOLE_REQUIRE_SESSION)', () => {
  const settings = (nodes: readonly string[], placement = 'pymemcache') => ({
    CONSOLE_REQUIRE_SESSION: 'on',
    MEMCACHED_SERVERS: nodes.join(),
    MEMCACHED_PLACEMENT: placement,
  });
  const cookie = (id: string) => ({ cookie: `csrftoken=x; sessionid=${id}; token=secret` });

  async function login(site: DjangoSite): Promise<string> {
    const { id } = await site.ask('/login?user=u1');
    await site.ask('/put?_auth_user_id=7', id);
    return id;
  }

  for (const placement of ['pymemcache', 'python-memcached', 'pylibmc']) {
    test(`opens for who is logged in at a real Django, until the logout (${placement})`, async (t) => {
      const nodes = await Promise.all([startMemcached(t), startMemcached(t), startMemcached(t)]);
      const addresses = nodes.map(({ address }) => address);
      const site = await startSite(t, placement, addresses);
      const { port, console, lines } = await start(t, settings(addresses, placement));
      const ids: string[] = [];
      for (let i = 0; i < 6; i += 1) ids.push(await login(site));
      for (const id of ids) assert.equal((await attempt(t, port, cookie(id))).status, 101);
      assert.equal(console.handshakes[0]?.headers.cookie, cookie(ids[0]!).cookie);

      const anonymous = (await site.ask('/login?user=u1')).id;
      await site.ask('/logout', ids[0]);
      const refused: Record<string, string>[] = [
        {},
        { cookie: 'other=1' },
        cookie(anonymous),
        cookie(ids[0]!),
        cookie('0'.repeat(32)),
        cookie('../../etc'),
        { cookie: `sessionid=${ids[1]}; sessionid=${ids[2]}` },
      ];
      for (const headers of refused) {
        const { status, body } = await attempt(t, port, headers);
        assert.equal(status, 403, JSON.stringify(headers));
        assert.match(body, /log in to the dashboard/);
      }
      assert.equal(console.handshakes.length, 6, 'no other handshake has reached the backend');
      const log = JSON.stringify(lines);
      for (const id of [...ids, anonymous, 'secret']) assert.ok(!log.includes(id));
    });
  }

  test('opens for nobody whose item is no session, has expired by its own word, or has no user', async (t) => {
    const node = await startMemcached(t);
    const cluster = new Cluster({ nodes: [node.address], placement: 'pymemcache' });
    t.after(() => cluster.close());
    const { port } = await start(t, settings([node.address]));
    const open = async (value: Buffer, flags = 1) => {
      const id = newSessionId();
      await cluster.set(`${sessionKeyPrefix()}${id}`, value, { flags });
      return (await attempt(t, port, cookie(id))).status;
    };
    const dict = (entries: Record<string, PyValue>) =>
      writePickle(new Map(Object.entries(entries)));
    const user = { _auth_user_id: '7' };
    assert.equal(await open(dict(user)), 101);
    assert.equal(await open(dict({ ...user, _session_expiry: 3600 })), 101);
    assert.equal(await open(dict({ ...user, _session_expiry: '2020-01-01T00:00:00Z' })), 403);
    assert.equal(await open(dict({ _auth_user_id: '' })), 403);
    assert.equal(await open(dict({ _auth_user_id: null })), 403);
    assert.equal(await open(dict({})), 403);
    assert.equal(await open(writePickle(['_auth_user_id'])), 403);
    assert.equal(await open(dict(user), 0), 403, 'bytes are no pickle, whatever is in them');
    assert.equal(await open(Buffer.from('no pickle')), 403);
    assert.equal(await open(deflateSync(dict(user)), 9), 101);
    assert.equal(await open(deflateSync(Buffer.alloc(100_000_000)), 9), 403);
  });

  test('is a 503 while memcached is silent or gone, in two seconds at most, and opens again', async (t) => {
    const node = await startMemcached(t);
    const site = await startSite(t, 'pymemcache', [node.address]);
    const { port, console, lines } = await start(t, settings([node.address]));
    const id = await login(site);
    await node.pause();
    const began = performance.now();
    const { status, body } = await attempt(t, port, cookie(id));
    assert.equal(status, 503);
    assert.match(body, /cannot be seen right now who is logged in/);
    assert.ok(performance.now() - began < 3_000);
    node.resume();
    await until('it opens again', async () => (await attempt(t, port, cookie(id))).status === 101);
    await node.kill();
    assert.equal((await attempt(t, port, cookie(id))).status, 503);
    const opened = console.handshakes.length;
    assert.equal((await attempt(t, port)).status, 403, 'without a cookie nobody has to be asked');
    assert.equal(console.handshakes.length, opened);
    assert.ok(lines.some(({ kind }) => kind === 'sessionsUnavailable'));
  });

  test('opens without the node that had the session, where the session cache has another copy', async (t) => {
    const nodes = await Promise.all([startMemcached(t), startMemcached(t), startMemcached(t)]);
    const { port, gateway } = await start(t, {
      ...settings(nodes.map(({ address }) => address)),
      CACHE_LISTEN: '127.0.0.1:0',
    });
    const site = await startSite(t, 'pymemcache', [`127.0.0.1:${gateway.addresses.cache!.port}`]);
    const ids: string[] = [];
    for (let i = 0; i < 6; i += 1) ids.push(await login(site));
    await nodes[0]!.kill();
    for (const id of ids) assert.equal((await attempt(t, port, cookie(id))).status, 101);
    await site.ask('/logout', ids[0]);
    assert.equal((await attempt(t, port, cookie(ids[0]!))).status, 403);
  });

  test('serves its pages to everybody, without a look at memcached', async (t) => {
    const { port } = await start(t, settings(['127.0.0.1:9']));
    assert.equal((await fetchTls(port, '/vnc_lite.html')).status, 200);
  });

  test('a client that leaves while it is looked up takes its handshake along', async (t) => {
    const node = await startMemcached(t);
    const site = await startSite(t, 'pymemcache', [node.address]);
    const id = await login(site);
    const { port, console, lines } = await start(t, settings([node.address]));
    await node.pause();
    const client = openTls(port);
    client.tls.write(UPGRADE.replace('\r\n', `\r\nCookie: ${cookie(id).cookie}\r\n`));
    leaveTls(client, 'end');
    await until('it is logged', () => lines.some(({ aborted }) => aborted === true));
    node.resume();
    assert.equal((await attempt(t, port, cookie(id))).status, 101);
    assert.equal(console.handshakes.length, 1);
  });
});

describe('CONSOLE_ALLOWED_ORIGINS', () => {
  test('lets in the pages that it names, and who is no browser', async (t) => {
    const { port } = await start(t, {
      CONSOLE_ALLOWED_ORIGINS: 'same-host, dash.example, https://other.example:8443',
    });
    const host = 'Console.example:6080';
    const open = [
      undefined,
      'https://console.example',
      'https://console.example:9443',
      'http://console.example',
      'https://dash.example',
      'https://DASH.example:1234',
      'https://other.example:8443',
    ];
    for (const origin of open) {
      const headers: Record<string, string> = origin ? { host, origin } : { host };
      assert.equal((await attempt(t, port, headers)).status, 101, origin);
    }
    const shut = [
      'https://evil.example',
      'https://other.example',
      'http://other.example:8443',
      'https://console.example.evil.example',
      'https://xdash.example',
      'null',
      'console.example',
      'https://console.example, https://dash.example',
    ];
    for (const origin of shut) {
      assert.equal((await attempt(t, port, { host, origin })).status, 403, origin);
    }
  });

  test('without same-host, not even the page of the console itself', async (t) => {
    const { port } = await start(t, { CONSOLE_ALLOWED_ORIGINS: 'https://dash.example' });
    const host = 'console.example:6080';
    const refused = await attempt(t, port, { host, origin: 'https://console.example:6080' });
    assert.equal(refused.status, 403);
    assert.equal((await attempt(t, port, { host, origin: 'https://dash.example' })).status, 101);
  });
});

describe('TUNNELS_PER_ADDRESS', () => {
  test('is a 429 for one more, until one of them is closed', async (t) => {
    const { port, console } = await start(t, { TUNNELS_PER_ADDRESS: '2' });
    const opened = [await attempt(t, port), await attempt(t, port)];
    const { status, body } = await attempt(t, port);
    assert.equal(status, 429);
    assert.match(body, /Too many consoles/);
    opened[0]!.socket.close();
    await until('its place is free', async () => (await attempt(t, port)).status === 101);
    assert.equal((await attempt(t, port)).status, 429);
    assert.equal(console.handshakes.length, 3);
  });

  test('counts by the last address in X-Forwarded-For that is no trusted proxy', async (t) => {
    const { port } = await start(t, {
      TUNNELS_PER_ADDRESS: '1',
      TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8',
    });
    const from = (told: string) => attempt(t, port, { 'x-forwarded-for': told });
    assert.equal((await from('192.0.2.1')).status, 101);
    assert.equal((await from('192.0.2.2')).status, 101);
    assert.equal((await from('198.51.100.9, 192.0.2.1')).status, 429, 'what a client wrote itself');
    assert.equal((await from('192.0.2.1, 10.1.2.3')).status, 429);
    assert.equal((await from('2001:db8:0:1::5')).status, 101);
    assert.equal((await from('2001:db8:0:1:ffff::9')).status, 429, 'the same /64');
    assert.equal((await from('2001:db8:0:2::5')).status, 101);
  });

  test('does not count what came to nothing', async (t) => {
    const backend = await startWebSocketBackend(t, 'one');
    const { port } = await start(t, { TUNNELS_PER_ADDRESS: '1' }, backend);
    await backend.kill();
    for (let i = 0; i < 3; i += 1) assert.equal((await attempt(t, port)).status, 503);
  });
});
