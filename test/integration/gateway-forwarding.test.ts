import assert from 'node:assert/strict';
import { connect as connectTcp } from 'node:net';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { startBackend } from '../support/backend.ts';
import { exchangeRaw, fetchTls, startTestGateway } from '../support/gateway.ts';
import { recordingLogger } from '../support/log.ts';
import { until } from '../support/until.ts';

test('requests go to the backends in turn, by weight', async (t) => {
  const one = await startBackend(t);
  const two = await startBackend(t);
  const gateway = await startTestGateway(t, { PORTAL_BACKENDS: `${one.url} weight=2,${two.url}` });
  for (let i = 0; i < 9; i++) {
    assert.equal((await fetchTls(gateway.addresses.portal!.port, '/x')).status, 200);
  }
  assert.deepEqual([one.requests.length, two.requests.length], [6, 3]);
});

test('a backend sees one truth about the client, whatever the client claims', async (t) => {
  const backend = await startBackend(t);
  const gateway = await startTestGateway(t, { PORTAL_BACKENDS: backend.url });
  const { port } = gateway.addresses.portal!;
  await fetchTls(port, '/x?y=%2F', {
    headers: {
      host: 'dashboard.example:8443',
      'x-forwarded-for': '6.6.6.6',
      'x-forwarded-proto': 'http',
      x_forwarded_proto: 'http',
      forwarded: 'for=6.6.6.6',
      'x-request-id': 'forged-by-client',
      'x-real-ip': '6.6.6.6',
      connection: 'x-secret-hop, close',
      'x-secret-hop': '1',
      te: 'trailers',
      cookie: 'sessionid=abc; csrftoken=def',
    },
  });
  const [seen] = backend.requests;
  assert.equal(seen?.url, '/x?y=%2F');
  assert.equal(seen?.headers.host, 'dashboard.example:8443');
  assert.equal(seen?.headers['x-forwarded-for'], '127.0.0.1');
  assert.equal(seen?.headers['x-forwarded-proto'], 'https');
  assert.equal(seen?.headers['x-forwarded-host'], 'dashboard.example:8443');
  assert.equal(seen?.headers['x-forwarded-port'], '8443');
  assert.equal(seen?.headers['x-real-ip'], '127.0.0.1');
  assert.equal(seen?.headers.cookie, 'sessionid=abc; csrftoken=def');
  assert.notEqual(seen?.headers['x-request-id'], 'forged-by-client');
  for (const name of ['x_forwarded_proto', 'forwarded', 'x-secret-hop', 'te']) {
    assert.equal(seen?.headers[name], undefined, name);
  }
});

test('addresses and cookies in an answer fit the public side', async (t) => {
  const backend = await startBackend(t, (req, res) => {
    res.writeHead(302, {
      location: `http://${req.headers.host}/dashboard/`,
      'x-horizon-location': `http://${req.headers.host}/login`,
      'set-cookie': ['sessionid=abc; HttpOnly; Path=/', 'login_region=x'],
      'keep-alive': 'timeout=5',
    });
    res.end();
  });
  const gateway = await startTestGateway(t, {
    PORTAL_BACKENDS: backend.url,
    HSTS: 'max-age=600',
  });
  const { port } = gateway.addresses.portal!;
  const { status, headers } = await fetchTls(port, '/x');
  assert.equal(status, 302);
  assert.equal(headers.location, `https://127.0.0.1:${port}/dashboard/`);
  assert.equal(headers['x-horizon-location'], `https://127.0.0.1:${port}/login`);
  assert.deepEqual(headers['set-cookie'], [
    'sessionid=abc; HttpOnly; Path=/; Secure',
    'login_region=x; Secure',
  ]);
  assert.equal(headers['strict-transport-security'], 'max-age=600');
  assert.match(String(headers['x-request-id']), /^[0-9a-f]{32}$/);
});

test("the gateway's own answers bind browsers to TLS, too, and name the request", async (t) => {
  const settings = { PORTAL_BACKENDS: 'http://127.0.0.1:9', HSTS: 'max-age=600' };
  const gateway = await startTestGateway(t, settings);
  const { port } = gateway.addresses.portal!;
  for (const [path, status] of [
    ['/', 301],
    ['/server-status', 403],
    ['/dashboard/', 503],
  ] as const) {
    const answer = await fetchTls(port, path);
    assert.equal(answer.status, status, path);
    assert.equal(answer.headers['strict-transport-security'], 'max-age=600', path);
    assert.match(String(answer.headers['x-request-id']), /^[0-9a-f]{32}$/, path);
  }
  const unread = await fetchTls(port, `/${'x'.repeat(20_000)}`);
  assert.equal(unread.status, 414);
  assert.equal(unread.headers['strict-transport-security'], 'max-age=600');
});

test('the root is redirected, /server-status is closed, and neither reaches a backend', async (t) => {
  const backend = await startBackend(t);
  const gateway = await startTestGateway(t, { PORTAL_BACKENDS: backend.url });
  const { port } = gateway.addresses.portal!;
  const root = await fetchTls(port, '/');
  assert.deepEqual([root.status, root.headers.location], [301, '/dashboard/']);
  assert.equal((await fetchTls(port, '//server-status/x')).status, 403);
  assert.equal(backend.requests.length, 0);
});

test('the portal is served without TLS too, and a trusted proxy says what its clients see', async (t) => {
  const backend = await startBackend(t, (req, res) => {
    res.writeHead(302, { location: `http://${req.headers.host}/next`, 'set-cookie': 'a=1' });
    res.end();
  });
  const headers = {
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'cloud.example',
    'x-request-id': 'from-the-front-1',
  };
  const ask = async (settings: Record<string, string>) => {
    const gateway = await startTestGateway(t, {
      PORTAL_BACKENDS: backend.url,
      PORTAL_PLAIN_LISTEN: '127.0.0.1:0',
      HSTS: 'max-age=600',
      ...settings,
    });
    const url = `http://127.0.0.1:${gateway.addresses.plain!.port}/x`;
    const answer = await fetch(url, { headers, redirect: 'manual' });
    const { host } = new URL(url);
    const asked = backend.requests.at(-1)!.headers;
    return { host, asked, location: answer.headers.get('location'), answer };
  };
  const stranger = await ask({});
  assert.equal(stranger.asked['x-forwarded-proto'], 'http');
  assert.equal(stranger.asked['x-forwarded-host'], stranger.host);
  assert.notEqual(stranger.asked['x-request-id'], 'from-the-front-1');
  assert.equal(stranger.location, `http://${stranger.host}/next`);
  assert.equal(stranger.answer.headers.get('set-cookie'), 'a=1');
  assert.equal(stranger.answer.headers.get('strict-transport-security'), null);

  const proxy = await ask({ TRUSTED_PROXIES: '127.0.0.1' });
  assert.equal(proxy.asked['x-forwarded-proto'], 'https');
  assert.equal(proxy.asked['x-forwarded-host'], 'cloud.example');
  assert.equal(proxy.asked['x-request-id'], 'from-the-front-1');
  assert.equal(proxy.answer.headers.get('x-request-id'), 'from-the-front-1');
  assert.equal(proxy.answer.headers.get('set-cookie'), 'a=1; Secure');
  assert.equal(proxy.answer.headers.get('strict-transport-security'), 'max-age=600');
});

test('an address of the public site leads back to it, as a trusted proxy names it', async (t) => {
  const backend = await startBackend(t, (_req, res) => {
    res.writeHead(302, { location: 'http://cloud.example/next' }).end();
  });
  const gateway = await startTestGateway(t, {
    PORTAL_BACKENDS: backend.url,
    PORTAL_PLAIN_LISTEN: '127.0.0.1:0',
    TRUSTED_PROXIES: '127.0.0.1',
  });
  const answer = await fetch(`http://127.0.0.1:${gateway.addresses.plain!.port}/x`, {
    headers: { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'cloud.example' },
    redirect: 'manual',
  });
  assert.equal(answer.headers.get('location'), 'https://cloud.example/next');
});

test('plain HTTP only leads to HTTPS', async (t) => {
  const backend = await startBackend(t);
  const gateway = await startTestGateway(t, {
    PORTAL_BACKENDS: backend.url,
    PORTAL_REDIRECT_LISTEN: '127.0.0.1:0',
  });
  const { portal, redirect } = gateway.addresses;
  const url = `http://127.0.0.1:${redirect!.port}/a?b`;
  const get = await fetch(url, { redirect: 'manual' });
  assert.deepEqual(
    [get.status, get.headers.get('location')],
    [301, `https://127.0.0.1:${portal!.port}/a?b`],
  );
  const post = await fetch(url, { method: 'POST', body: 'x', redirect: 'manual' });
  assert.equal(post.status, 308);
  assert.equal(backend.requests.length, 0);
});

test('a large upload and download pass unchanged, with backpressure', async (t) => {
  const size = 32 * 1024 * 1024;
  const backend = await startBackend(t, (req, res) => {
    res.writeHead(200, { 'content-length': req.headers['content-length'] });
    req.pipe(res);
  });
  const gateway = await startTestGateway(t, { PORTAL_BACKENDS: backend.url });
  const body = Buffer.alloc(size, 'dashgate');
  const answer = await fetchTls(gateway.addresses.portal!.port, '/echo', {
    method: 'POST',
    headers: { 'content-length': size },
    body,
  });
  assert.equal(answer.body.length, size);
  assert.ok(Buffer.from(answer.body).equals(body));
});

test('a second Host header is refused before it reaches a backend', async (t) => {
  const backend = await startBackend(t);
  const gateway = await startTestGateway(t, { PORTAL_BACKENDS: backend.url });
  const answer = await exchangeRaw(
    gateway.addresses.portal!.port,
    'GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
  );
  assert.match(answer, /^HTTP\/1\.1 400 /);
  assert.equal(backend.requests.length, 0);
});

test('each request is logged once, without query, cookie or token', async (t) => {
  const backend = await startBackend(t);
  const { logger, lines } = recordingLogger();
  const gateway = await startTestGateway(t, { PORTAL_BACKENDS: backend.url }, logger);
  const { headers } = await fetchTls(gateway.addresses.portal!.port, '/page?token=hush', {
    headers: { cookie: 'sessionid=hushhush' },
  });
  const requests = () => lines.filter(({ msg }) => msg === 'request');
  await until('it is logged', () => requests().length > 0);
  const logged = requests();
  assert.equal(logged.length, 1);
  const { method, path, status, client, backend: served, requestId } = logged[0]!;
  assert.deepEqual(
    [method, path, status, client, served],
    ['GET', '/page', 200, '127.0.0.1', `127.0.0.1:${backend.port}`],
  );
  assert.equal(requestId, headers['x-request-id']);
  assert.ok(!JSON.stringify(lines).includes('hush'));
});

test('an upgrade to something else is an ordinary request', async (t) => {
  const backend = await startBackend(t, (req, res) => void res.end(`${req.headers.upgrade}`));
  const gateway = await startTestGateway(t, {
    PORTAL_BACKENDS: backend.url,
    HEALTH_INTERVAL: '1h',
  });
  const answer = await exchangeRaw(
    gateway.addresses.portal!.port,
    'GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n',
  );
  assert.match(answer, /^HTTP\/1\.1 200 .*undefined/s);
});

test('a listed proxy tells the client by PROXY protocol, and nobody else may', async (t) => {
  const backend = await startBackend(t);
  const say = async (from: string) => {
    const gateway = await startTestGateway(t, {
      PORTAL_BACKENDS: backend.url,
      PROXY_PROTOCOL_FROM: from,
    });
    const tcp = connectTcp(gateway.addresses.portal!.port, '127.0.0.1');
    t.after(() => tcp.destroy());
    tcp.on('error', () => {});
    tcp.write('PROXY TCP4 198.51.100.7 192.0.2.1 40000 443\r\n');
    const socket = connectTls({ socket: tcp, rejectUnauthorized: false });
    socket.on('error', () => {});
    socket.write('GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await new Promise((resolve) => socket.once('close', resolve).resume());
  };
  await say('127.0.0.0/8');
  assert.equal(backend.requests[0]?.headers['x-forwarded-for'], '198.51.100.7');
  await say('10.0.0.0/8');
  await say('');
  assert.equal(backend.requests.length, 1);
});
