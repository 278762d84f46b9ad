import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startBackend, type TestBackend } from '../support/backend.ts';
import { freePorts } from '../support/free-port.ts';
import {
  type Answer,
  collect,
  fetchTls,
  startTestGateway,
  temporaryFolder,
} from '../support/gateway.ts';
import { until } from '../support/until.ts';

/** Gets a path, with a Cookie header or none, through one of the two proxies. */
type Get = (path: string, cookie?: string) => Promise<Answer>;

async function backends(t: TestContext): Promise<TestBackend[]> {
  const started = [];
  for (const name of ['server01', 'server02']) {
    started.push(
      await startBackend(t, (req, res) => {
        if (req.url === '/own') {
          res.setHeader('set-cookie', ['SERVERID=from-the-backend', 'sessionid=1; Path=/']);
          res.setHeader('cache-control', 'max-age=60');
        }
        for (const [header, value] of new URL(`http://x${req.url}`).searchParams) {
          if (header === 'status') res.statusCode = Number(value);
          else res.setHeader(header, value);
        }
        res.setHeader('x-saw-cookie', req.headers.cookie ?? 'none');
        res.end(name);
      }),
    );
  }
  return started;
}

async function throughDashgate(t: TestContext, [one, two]: TestBackend[]): Promise<Get> {
  const gateway = await startTestGateway(t, {
    PORTAL_BACKENDS: `${one!.url} name=server01,${two!.url} name=server02`,
    PORTAL_AFFINITY: 'cookie',
  });
  const { port } = gateway.addresses.portal!;
  return (path, cookie) => fetchTls(port, path, { headers: cookie ? { cookie } : {} });
}

async function throughHaproxy(t: TestContext, [one, two]: TestBackend[]): Promise<Get> {
  const [port] = await freePorts(1);
  const file = join(temporaryFolder(t), 'haproxy.cfg');
  writeFileSync(
    file,
    `defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend dashboard
  bind 127.0.0.1:${port}
  default_backend dashboard-backend
backend dashboard-backend
  balance roundrobin
  option httpchk GET /health
  option redispatch
  cookie SERVERID insert indirect nocache
  server server01 127.0.0.1:${one!.port} check inter 50 cookie server01
  server server02 127.0.0.1:${two!.port} check inter 50 cookie server02
`,
  );
  const haproxy = spawn('haproxy', ['-db', '-f', file], { stdio: 'ignore' });
  t.after(() => haproxy.kill('SIGKILL'));
  const get: Get = (path, cookie) =>
    new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port, path, agent: false, headers: cookie ? { cookie } : {} })
        .on('response', (incoming) => collect(incoming).then(resolve, reject))
        .on('error', reject)
        .end();
    });
  await until('haproxy answers', () =>
    get('/x').then(
      () => true,
      () => false,
    ),
  );
  return get;
}

/** What of an answer shows the affinity at work; `Secure` is our own addition for TLS. */
function traits({ body, headers }: Answer) {
  return {
    body,
    setCookie: headers['set-cookie']?.map((cookie) => cookie.replace('; Secure', '')).sort(),
    cacheControl: headers['cache-control'],
    sawCookie: headers['x-saw-cookie'],
  };
}

test("PORTAL_AFFINITY=cookie does what HAProxy's 'cookie SERVERID insert indirect nocache' does", async (t) => {
  const pair = await backends(t);
  const dashgate = await throughDashgate(t, pair);
  const haproxy = await throughHaproxy(t, pair);
  const cases: [what: string, path: string, cookie: string][] = [
    ['a cookie that fits', '/x', 'SERVERID=server02'],
    ['among other cookies', '/x', 'a=1; SERVERID=server01; b=2'],
    ['first of several', '/x', 'SERVERID=server01; b=2'],
    ["the backend's own cookie of that name", '/own', 'SERVERID=server01'],
  ];
  for (const [what, path, cookie] of cases) {
    assert.deepEqual(
      traits(await dashgate(path, cookie)),
      traits(await haproxy(path, cookie)),
      what,
    );
  }
  // Which server a newcomer gets depends on whose turn it is; the rest has to agree.
  for (const [path, cookie] of [
    ['/x', undefined],
    ['/x', 'SERVERID=no-such-server; a=1'],
    ['/x', 'a=1'],
    ['/own', undefined],
    ['/x?etag="1"', undefined],
    ['/x?last-modified=x&status=404', undefined],
    ['/x?last-modified=x&status=302', undefined],
    ['/x?last-modified=x&status=302&cache-control=public', undefined],
    ['/x?expires=x', undefined],
    ['/x?expires=x&pragma=no-cache', undefined],
    ['/x?cache-control=max-age=0', undefined],
    ['/x?cache-control=max-age=9,no-cache="set-cookie"', undefined],
    ['/x?cache-control=max-age=9,no-cache', undefined],
    ['/x?cache-control=max-age=9,No-Store', undefined],
    ['/x?cache-control=private', undefined],
    ['/x?cache-control=s-maxage=0,max-age=9', undefined],
    ['/x?cache-control=max-age=9,must-revalidate', undefined],
  ] as const) {
    const [ours, theirs] = [
      traits(await dashgate(path, cookie)),
      traits(await haproxy(path, cookie)),
    ];
    const general = (seen: ReturnType<typeof traits>) =>
      JSON.parse(JSON.stringify(seen).replaceAll(seen.body, 'SERVER'));
    assert.deepEqual(general(ours), general(theirs), `${path} ${cookie}`);
    assert.match(ours.setCookie!.join(), /SERVERID=server0[12]; path=\//);
  }
  await pair[0]!.kill();
  for (const get of [dashgate, haproxy]) {
    await until(
      'the server is out',
      async () => (await get('/x', 'SERVERID=server01')).body === 'server02',
    );
  }
  const moved = traits(await dashgate('/x', 'SERVERID=server01'));
  assert.deepEqual(moved, traits(await haproxy('/x', 'SERVERID=server01')));
  assert.deepEqual(moved.setCookie, ['SERVERID=server02; path=/']);
});

test('no cookie but the backend’s own is ever set without PORTAL_AFFINITY', async (t) => {
  const pair = await backends(t);
  const gateway = await startTestGateway(t, {
    PORTAL_BACKENDS: pair.map(({ url }) => url).join(','),
  });
  const { port } = gateway.addresses.portal!;
  const plain = await fetchTls(port, '/x', { headers: { cookie: 'SERVERID=server01' } });
  assert.equal(plain.headers['set-cookie'], undefined);
  assert.equal(plain.headers['x-saw-cookie'], 'SERVERID=server01');
});
