import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { fetchTls, startTestGateway } from '../support/gateway.ts';
import { startHaproxy } from '../support/haproxy.ts';
import { importText } from '../support/import-haproxy.ts';
import { until } from '../support/until.ts';

/** A portal in front of a backend, with these lines of limits. */
function configuration(bind: string, backend: string, lines: readonly string[]): string {
  return [
    'frontend horizon',
    `  bind ${bind}`,
    '  mode http',
    '  stick-table type ip size 100k expire 1m store http_req_rate(10s),conn_cur',
    ...lines.map((line) => `  ${line}`),
    '  default_backend horizon_back',
    'backend horizon_back',
    '  mode http',
    `  server one ${backend}`,
  ].join('\n');
}

/** How many of so many connections a server keeps, that come one after the other. */
async function keptOf(port: number, count: number): Promise<number> {
  const sockets: Socket[] = [];
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => {});
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    // What is kept answers; what is not is closed.
    const answered = await new Promise((resolve) => {
      socket.once('data', () => resolve(true));
      socket.once('close', () => resolve(false));
    });
    if (answered) kept += 1;
  }
  for (const socket of sockets) socket.destroy();
  return kept;
}

test('a limit on requests lets as many through as it did in HAProxy', async (t) => {
  const backend = await startBackend(t);
  const lines = [
    'acl login path_beg /auth/',
    'http-request track-sc0 src if login METH_POST',
    'http-request deny deny_status 429 if login { sc_http_req_rate(0) gt 3 }',
  ];
  const to = `127.0.0.1:${backend.port}`;
  const [port] = await startHaproxy(t, 1, ([free]) =>
    configuration(`127.0.0.1:${free}`, to, lines),
  );
  const { env } = importText(configuration(':443 ssl crt /x.pem', to, lines));
  assert.equal(env.RATE_LIMITS, '3/10s on POST /auth');
  const gateway = await startTestGateway(t, {
    PORTAL_BACKENDS: env.PORTAL_BACKENDS!,
    RATE_LIMITS: env.RATE_LIMITS!,
  });
  const requests = ['POST /auth/login/', 'GET /auth/login/', 'POST /other/'];
  for (const request of [...requests, ...requests, ...requests, ...requests, requests[1]!]) {
    const [method = '', path = ''] = request.split(' ');
    const before = await fetch(`http://127.0.0.1:${port}${path}`, { method });
    const { status } = await fetchTls(gateway.addresses.portal!.port, path, { method });
    assert.deepEqual([request, status], [request, before.status]);
  }
});

test('a limit on connections is what HAProxy kept, whether it counts before or after it looks', async (t) => {
  const backend = await startBackend(t);
  const track = 'tcp-request connection track-sc0 src';
  const cases = [
    ['tcp-request connection reject if { src_conn_cur ge 3 }', track],
    [track, 'tcp-request connection reject if { src_conn_cur ge 3 }'],
    [track, 'tcp-request connection reject if { sc0_conn_cur gt 3 }'],
  ];
  for (const lines of cases) {
    const to = `127.0.0.1:${backend.port}`;
    const [port] = await startHaproxy(t, 1, ([free]) =>
      configuration(`127.0.0.1:${free}`, to, lines),
    );
    const { env } = importText(configuration(':443 ssl crt /x.pem', to, lines));
    const most = Number(env.CONNECTIONS_PER_ADDRESS);
    // Fewer are kept while HAProxy has not seen yet that those before have gone; never more.
    await until(`${most} are kept with ${lines.join(', ')}`, async () => {
      const kept = await keptOf(port!, 6);
      assert.ok(kept <= most, `${kept} were kept with ${lines.join(', ')}`);
      return kept === most;
    });
  }
});
