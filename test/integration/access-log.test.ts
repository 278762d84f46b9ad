import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { dashgateCommand, printed } from '../support/command.ts';
import {
  exchangeRaw,
  fetchTls,
  gatewaySettings,
  startTestGateway,
  temporaryFolder,
} from '../support/gateway.ts';
import { parseHttpLog } from '../support/httplog.ts';
import { recordingLogger } from '../support/log.ts';
import { startMemcached } from '../support/memcached.ts';
import { startSyslogDaemon, startSyslogServer } from '../support/syslog.ts';
import { until } from '../support/until.ts';
import { openWebSocket, startWebSocketBackend } from '../support/websocket.ts';

describe('an access log that goes to syslog', () => {
  test('reaches the daemon of this host, and again when that was away', async (t) => {
    const path = join(temporaryFolder(t), 'log');
    const daemon = await startSyslogDaemon(t, path);
    const backend = await startBackend(t);
    const { logger, lines } = recordingLogger();
    const gateway = await startTestGateway(
      t,
      { PORTAL_BACKENDS: `${backend.url} name=one`, ACCESS_LOG: `syslog:${path} local1` },
      logger,
    );
    const { port } = gateway.addresses.portal!;
    await fetchTls(port, '/x?token=secret');
    await until('the line is there', () => daemon.messages().length > 0);
    const [first] = daemon.messages();
    assert.match(first!, /^<142>[A-Z][a-z]{2} [ \d]\d [\d:]{8} dashgate\[\d+\]: \{"level":/);
    const { path: asked, backend: served } = JSON.parse(first!.slice(first!.indexOf('{')));
    assert.deepEqual([asked, served], ['/x', 'one']);
    assert.ok(!lines.some(({ msg }) => msg === 'request'), 'it is on standard output no more');
    await daemon.stop();
    assert.equal((await fetchTls(port, '/y')).status, 200);
    const message = 'the access log cannot be delivered';
    await until('it is told', () => lines.some(({ msg }) => msg === message));
    const back = await startSyslogDaemon(t, path);
    await until('lines arrive again', async () => {
      await fetchTls(port, '/z');
      return back.messages().length > 0;
    });
  });

  test('holds up nobody where no server listens', async (t) => {
    const backend = await startBackend(t);
    const gateway = await startTestGateway(t, {
      PORTAL_BACKENDS: backend.url,
      ACCESS_LOG: 'syslog:udp:127.0.0.1:9',
    });
    for (let i = 0; i < 5; i += 1) {
      assert.equal((await fetchTls(gateway.addresses.portal!.port, '/x')).status, 200);
    }
  });

  test('tells of a websocket when it ends, with the bytes and the time of all of it', async (t) => {
    const server = await startSyslogServer(t);
    const novnc = await startWebSocketBackend(t, 'hello');
    const gateway = await startTestGateway(t, {
      PORTAL_BACKENDS: 'http://127.0.0.1:9',
      CONSOLE_LISTEN: '127.0.0.1:0',
      CONSOLE_BACKENDS: `${novnc.url} name=one`,
      CONSOLE_HEALTH_EXPECT: '200',
      ACCESS_LOG: `syslog:udp:127.0.0.1:${server.port}`,
      ACCESS_LOG_FORMAT: 'httplog',
    });
    const { socket } = await openWebSocket(t, gateway.addresses.console!.port, '/?token=secret');
    assert.deepEqual(server.messages, []);
    socket.close();
    await until('its line is there', () => server.messages.length > 0);
    const line = parseHttpLog(server.messages[0]!);
    const { frontend, server: served, status, state, request } = line;
    assert.deepEqual(
      [frontend, served, status, state, request],
      ['console~', 'one', '101', '----', 'GET / HTTP/1.1'],
    );
    assert.ok(Number(line.bytes) > 100);
  });
});

const SECRETS = {
  session: 'planted0session0id0planted',
  csrf: 'planted0csrf0token0planted',
  query: 'planted0query0token0planted',
  authorization: 'planted0authorization0planted',
  password: 'planted0password0planted',
  shared: 'planted0shared0secret0planted',
  affinity: 'planted0affinity0planted',
  keystone: 'planted0keystone0token0planted',
};

for (const format of ['json', 'httplog'] as const) {
  test(`nothing secret is written by a run that logs all it can (${format})`, async (t) => {
    const backend = await startBackend(t, (req, res) => {
      if (req.url?.startsWith('/closes')) req.socket.destroy();
      else res.setHeader('set-cookie', `sessionid=${SECRETS.session}`).end(SECRETS.session);
    });
    const novnc = await startWebSocketBackend(t, 'hello');
    const memcached = await startMemcached(t);
    const settings: Record<string, string> = {
      ...(await gatewaySettings(t)),
      PORTAL_BACKENDS: `${backend.url} name=one`,
      PORTAL_AFFINITY: 'cookie',
      CONSOLE_LISTEN: '127.0.0.1:0',
      CONSOLE_BACKENDS: novnc.url,
      CONSOLE_HEALTH_EXPECT: '200',
      CONSOLE_PIN_TTL: '10m',
      TUNNELS_PER_ADDRESS: '1',
      MEMCACHED_SERVERS: memcached.address,
      WORKERS: '1',
      LOG_LEVEL: 'debug',
      ACCESS_LOG_FORMAT: format,
      SHARED_SECRET: SECRETS.shared,
      HEADER_TIMEOUT: '500ms',
    };
    const command = dashgateCommand(t, ['start'], settings);
    await printed(command, '"listener":"admin"');
    const port = (listener: string) => {
      const lines = command.out().split('\n');
      const line = lines.find((text) => text.includes(`"listener":"${listener}"`));
      return Number(JSON.parse(line!).port);
    };
    await until('it is ready', async () => {
      return (await fetch(`http://127.0.0.1:${port('admin')}/readyz`)).ok;
    });
    const cookie = `sessionid=${SECRETS.session}; csrftoken=${SECRETS.csrf}; SERVERID=${SECRETS.affinity}`;
    const headers = {
      cookie,
      authorization: `Bearer ${SECRETS.authorization}`,
      'x-auth-token': SECRETS.keystone,
      referer: `https://a/?token=${SECRETS.query}`,
    };
    const query = `?token=${SECRETS.query}`;
    const form = `username=u&password=${SECRETS.password}`;
    const portal = port('portal');
    for (const path of ['/x', '/closes', '/server-status', '/']) {
      await fetchTls(portal, path + query, { headers });
      const post = { method: 'POST', headers: { ...headers, 'content-length': form.length } };
      await fetchTls(portal, path + query, { ...post, body: form });
    }
    const head = `GET /x${query} HTTP/1.1\r\nHost: a\r\nCookie: ${cookie}\r\n`;
    const broken = [
      head,
      `${head}X : ${SECRETS.keystone}\r\n\r\n`,
      `${SECRETS.query} nonsense\r\n\r\n`,
      head.replace('Host: a', `Host: ${SECRETS.session} b`),
      `${head}Authorization: ${SECRETS.authorization}\u0000\r\n\r\n`,
    ];
    for (const bytes of broken) await exchangeRaw(portal, bytes);
    const { socket } = await openWebSocket(t, port('console'), `/${query}`, headers);
    await assert.rejects(openWebSocket(t, port('console'), `/${query}`, headers));
    socket.terminate();
    const admin = `http://127.0.0.1:${port('admin')}`;
    const state = await (await fetch(`${admin}/api/state`)).text();
    const page = await (await fetch(admin)).text();
    command.child.kill('SIGTERM');
    await command.exit;
    const all = command.out() + command.err() + state + page;
    assert.ok(command.out().includes(format === 'json' ? '"msg":"request"' : 'portal~ portal/one'));
    for (const [name, secret] of Object.entries(SECRETS)) {
      assert.ok(!all.includes(secret), `${name} is in: ${excerpt(all, secret)}`);
    }
  });
}

function excerpt(text: string, found: string): string {
  const at = text.indexOf(found);
  return text.slice(Math.max(0, at - 200), at + 200);
}
