import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { parseConfig } from '../../src/config.ts';
import { startGateway } from '../../src/gateway/gateway.ts';
import { silentLogger } from '../../src/log.ts';
import { startBackend } from '../support/backend.ts';
import { exchangeRaw, fetchTls, gatewaySettings, startTestGateway } from '../support/gateway.ts';
import { scrape } from '../support/metrics.ts';
import { until } from '../support/until.ts';
import { openWebSocket, startWebSocketBackend } from '../support/websocket.ts';

const portal = { service: 'portal' };
const one = { service: 'portal', backend: 'one' };

describe('metrics of a gateway in one process', () => {
  test('count requests by class, service and backend, with their bytes and durations', async (t) => {
    const backend = await startBackend(t, (req, res) => {
      res.statusCode = Number(req.url!.slice(1));
      req.resume();
      req.once('end', () => res.end('0123456789'));
    });
    const gateway = await startTestGateway(t, { PORTAL_BACKENDS: `${backend.url} name=one` });
    const { port } = gateway.addresses.portal!;
    for (const path of ['/200', '/200', '/404', '/503']) await fetchTls(port, path);
    await fetchTls(port, '/201', { method: 'POST', body: Buffer.alloc(100_000) });
    await exchangeRaw(port, 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n');
    const seen = await scrape(gateway.addresses.admin!.port);
    const requests = (code: string) =>
      seen.value('dashgate_service_requests_total', { ...portal, code });
    assert.deepEqual(
      ['1xx', '2xx', '3xx', '4xx', '5xx', 'none'].map(requests),
      [0, 3, 0, 2, 1, 0],
      'a head that cannot be read is a request that was refused',
    );
    const responses = (code: string) =>
      seen.value('dashgate_backend_responses_total', { ...one, code });
    assert.deepEqual(['2xx', '4xx', '5xx'].map(responses), [3, 1, 1]);
    const duration = 'dashgate_service_request_duration_seconds';
    assert.equal(seen.value(`${duration}_count`, portal), 6);
    assert.equal(seen.value(`${duration}_bucket`, { ...portal, le: '+Inf' }), 6);
    assert.ok(seen.value(`${duration}_sum`, portal) > 0);
    assert.ok(seen.value('dashgate_backend_response_seconds_total', one) > 0);
    const refused = { ...portal, cause: 'badRequest', code: '400' };
    assert.equal(seen.value('dashgate_service_failures_total', refused), 1);
    for (const [side, labels] of [
      ['service', portal],
      ['backend', one],
    ] as const) {
      const sent = seen.value(`dashgate_${side}_request_bytes_total`, labels);
      assert.ok(sent > 100_000 && sent < 104_000, `${side}: ${sent}`);
      const answered = seen.value(`dashgate_${side}_response_bytes_total`, labels);
      assert.ok(answered > 5 * 10 && answered < 4_000, `${side}: ${answered}`);
    }
    assert.equal(seen.value('dashgate_backend_usable', one), 1);
    assert.equal(seen.value('dashgate_backend_health', { ...one, state: 'up' }), 1);
    assert.equal(seen.value('dashgate_backend_health', { ...one, state: 'down' }), 0);
    assert.equal(seen.value('dashgate_backend_admin_state', { ...one, state: 'ready' }), 1);
    assert.ok(seen.value('dashgate_backend_checks_total', one) >= 1);
    assert.ok(seen.value('dashgate_backend_check_duration_seconds', one) > 0);
  });

  test('count connections, those that are used again, handshakes and resumptions', async (t) => {
    const backend = await startBackend(t);
    const gateway = await startTestGateway(t, {
      PORTAL_BACKENDS: `${backend.url} name=one`,
      UPSTREAM_KEEPALIVE_TIMEOUT: '20s',
    });
    const { port } = gateway.addresses.portal!;
    const options = { host: '127.0.0.1', port, rejectUnauthorized: false };
    const first = connectTls(options);
    const session = new Promise<Buffer>((resolve) => first.once('session', resolve));
    first.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(first, 'data');
    const second = connectTls({ ...options, session: await session });
    await once(second, 'secureConnect');
    assert.ok(second.isSessionReused());
    second.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(second, 'data');
    const noTls = connect({ host: '127.0.0.1', port });
    noTls.end('GET / HTTP/1.0\r\n\r\n');
    noTls.resume();
    await once(noTls, 'close');
    const admin = gateway.addresses.admin!.port;
    const seen = await scrape(admin);
    const listener = { listener: 'portal' };
    assert.equal(seen.value('dashgate_listener_connections_total', listener), 3);
    assert.equal(seen.value('dashgate_listener_connections', listener), 2);
    const handshakes = (resumed: string) =>
      seen.value('dashgate_listener_tls_handshakes_total', { ...listener, resumed });
    assert.deepEqual([handshakes('false'), handshakes('true')], [1, 1]);
    const refused = { ...listener, cause: 'handshake' };
    assert.equal(seen.value('dashgate_listener_refusals_total', refused), 1);
    assert.equal(seen.value('dashgate_backend_connections_total', one), 1);
    assert.equal(seen.value('dashgate_backend_connection_reuses_total', one), 1);
    assert.equal(seen.value('dashgate_backend_connections', one), 1);
    first.destroy();
    second.destroy();
    await until(
      'they are gone',
      async () => (await scrape(admin)).value('dashgate_listener_connections', listener) === 0,
    );
  });

  test('count what fails on the way to a backend, and what another one made good', async (t) => {
    const [good, bad] = [await startBackend(t), await startBackend(t)];
    const gateway = await startTestGateway(t, {
      PORTAL_BACKENDS: `${good.url} name=one, ${bad.url} name=two`,
      PORTAL_EJECTION: '',
      HEALTH_INTERVAL: '30s',
    });
    await bad.kill();
    const { port } = gateway.addresses.portal!;
    for (let i = 0; i < 2; i++) assert.equal((await fetchTls(port, '/x')).status, 200);
    const two = { service: 'portal', backend: 'two' };
    const seen = await scrape(gateway.addresses.admin!.port);
    assert.equal(seen.value('dashgate_backend_connect_failures_total', two), 1);
    assert.equal(seen.value('dashgate_backend_redispatches_total', two), 1);
    assert.equal(seen.value('dashgate_backend_response_failures_total', two), 0);
    assert.equal(seen.value('dashgate_backend_redispatches_total', one), 0);
    assert.equal(
      seen.value('dashgate_service_failures_total', { ...portal, cause: 'noBackend', code: '503' }),
      0,
    );
  });

  test('tell the queue, and how long requests waited in it', async (t) => {
    const held: (() => void)[] = [];
    const backend = await startBackend(t, (_req, res) => void held.push(() => res.end('done')));
    const gateway = await startTestGateway(t, {
      PORTAL_BACKENDS: `${backend.url} name=one maxconn=1`,
    });
    const { port } = gateway.addresses.portal!;
    const admin = gateway.addresses.admin!.port;
    const answers = [fetchTls(port, '/1')];
    await until('one is under way', () => held.length === 1);
    answers.push(fetchTls(port, '/2'));
    await until(
      'one waits',
      async () => (await scrape(admin)).value('dashgate_service_queue', portal) === 1,
    );
    assert.equal((await scrape(admin)).value('dashgate_backend_requests', one), 1);
    held[0]!();
    await until('the other one is under way', () => held.length === 2);
    held[1]!();
    await Promise.all(answers);
    const seen = await scrape(admin);
    assert.equal(seen.value('dashgate_service_queue', portal), 0);
    assert.equal(seen.value('dashgate_service_queued_total', portal), 1);
    assert.ok(seen.value('dashgate_service_queue_wait_seconds_total', portal) > 0);
  });

  test('count websockets, their bytes, and what they ended by', async (t) => {
    const backend = await startBackend(t);
    const novnc = await startWebSocketBackend(t, 'one');
    const gateway = await startTestGateway(t, {
      PORTAL_BACKENDS: backend.url,
      CONSOLE_LISTEN: '127.0.0.1:0',
      CONSOLE_BACKENDS: `${novnc.url} name=one`,
      CONSOLE_HEALTH_PATH: '/',
    });
    const { port } = gateway.addresses.console!;
    const admin = gateway.addresses.admin!.port;
    const console = { service: 'console' };
    const left = await openWebSocket(t, port);
    const stays = await openWebSocket(t, port);
    stays.socket.send('x'.repeat(1_000));
    await once(stays.socket, 'message');
    left.socket.close();
    const ended = (cause: string) => ({ ...console, cause });
    await until(
      'one has ended',
      async () =>
        (await scrape(admin)).value('dashgate_tunnels_ended_total', ended('client')) === 1,
    );
    const seen = await scrape(admin);
    assert.equal(seen.value('dashgate_tunnels', console), 1);
    assert.equal(seen.value('dashgate_backend_tunnels', { ...console, backend: 'one' }), 1);
    assert.equal(seen.value('dashgate_tunnels_opened_total', console), 2);
    assert.equal(
      seen.value('dashgate_service_requests_total', { ...console, code: '1xx' }),
      2,
      'a handshake is a request',
    );
    const bytes = (direction: string) =>
      seen.value('dashgate_tunnel_bytes_total', { ...console, direction });
    assert.ok(bytes('in') > 1_000 && bytes('in') < 1_200, `${bytes('in')}`);
    assert.ok(bytes('out') > 1_000 && bytes('out') < 1_200, `${bytes('out')}`);
    await novnc.kill();
    await once(stays.socket, 'close');
    const after = await scrape(admin);
    assert.equal(
      after.value('dashgate_tunnels_ended_total', ended('stopped')) +
        after.value('dashgate_tunnels_ended_total', ended('broken')),
      1,
    );
    assert.equal(after.value('dashgate_tunnel_duration_seconds_count', console), 2);
  });

  test('never go backwards over a reload, which may take a backend away', async (t) => {
    const [one, two] = [await startBackend(t), await startBackend(t)];
    const settings = await gatewaySettings(t);
    const configure = (backends: string) => parseConfig({ ...settings, PORTAL_BACKENDS: backends });
    const both = `${one.url} name=one, ${two.url} name=two`;
    const gateway = await startGateway(configure(both), { logger: silentLogger });
    t.after(() => gateway.close());
    await gateway.checked;
    const { port } = gateway.addresses.portal!;
    const admin = gateway.addresses.admin!.port;
    for (let i = 0; i < 4; i++) await fetchTls(port, '/x');
    const before = await scrape(admin);
    await gateway.reload(configure(`${one.url} name=one`));
    for (let i = 0; i < 2; i++) await fetchTls(port, '/x');
    const without = await scrape(admin);
    assert.ok(!without.text.includes('backend="two"'), 'what is not configured is not told');
    await gateway.reload(configure(both));
    const after = await scrape(admin);
    const of = { service: 'portal', code: '2xx' };
    assert.equal(after.value('dashgate_service_requests_total', of), 6);
    for (const [key, value] of before.totals) {
      const [now = -1] = [after.totals.get(key)];
      if (/^(nodejs|process)_/.test(key)) continue;
      assert.ok(now >= value, `${key} was ${value}, is ${now}`);
    }
  });

  test('are off by setting', async (t) => {
    const backend = await startBackend(t);
    const gateway = await startTestGateway(t, { PORTAL_BACKENDS: backend.url, METRICS: 'off' });
    assert.equal((await fetchTls(gateway.addresses.portal!.port, '/x')).status, 200);
    const answer = await fetch(`http://127.0.0.1:${gateway.addresses.admin!.port}/metrics`);
    assert.equal(answer.status, 404);
    await answer.text();
  });
});
