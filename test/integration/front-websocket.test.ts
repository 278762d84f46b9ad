import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:https';
import { createServer, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { FRONTS, type Front } from '../support/front.ts';
import { type Answer, collect, exchangeRaw } from '../support/gateway.ts';
import { recordingLogger } from '../support/log.ts';
import { until } from '../support/until.ts';
import { openWebSocket, startWebSocketBackend } from '../support/websocket.ts';

for (const { name, start } of FRONTS) {
  describe(name, () => suite(start));
}

function suite(start: Front['start']) {
  const settings = (backends: string, extra: Record<string, string> = {}) => ({
    PORTAL_BACKENDS: 'http://127.0.0.1:9',
    CONSOLE_LISTEN: '127.0.0.1:0',
    CONSOLE_BACKENDS: backends,
    CONSOLE_HEALTH_EXPECT: '200-499',
    HEALTH_INTERVAL: '1h',
    ...extra,
  });

  test('websockets go to the backends in turn and stay where they are', async (t) => {
    const one = await startWebSocketBackend(t, 'one');
    const two = await startWebSocketBackend(t, 'two');
    const gateway = await start(t, settings(`${one.url},${two.url}`));
    const { port } = gateway.addresses.console!;
    const opened = [];
    for (let i = 0; i < 4; i++) opened.push(await openWebSocket(t, port));
    assert.deepEqual(opened.map(({ greeting }) => greeting).sort(), ['one', 'one', 'two', 'two']);
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, i) => i & 255));
    for (const { socket } of opened) {
      socket.send(bytes);
      const [echo] = await once(socket, 'message');
      assert.ok(bytes.equals(echo));
    }
    const [handshake] = one.handshakes;
    assert.equal(handshake?.url, '/websockify?token=t');
    assert.equal(handshake?.headers['x-forwarded-proto'], 'https');
  });

  test('a handshake keeps Host, Origin, Cookie and subprotocol', async (t) => {
    const backend = await startWebSocketBackend(t, 'one');
    const gateway = await start(t, settings(backend.url));
    await openWebSocket(t, gateway.addresses.console!.port, '/?token=t', {
      host: 'vip:6080',
      origin: 'https://vip',
      cookie: 'token=t',
      'x-forwarded-proto': 'wss',
    });
    const { headers } = backend.handshakes[0]!;
    assert.equal(headers.host, 'vip:6080');
    assert.equal(headers.origin, 'https://vip');
    assert.equal(headers.cookie, 'token=t');
    assert.equal(headers['x-forwarded-proto'], 'https');
  });

  test('a handshake goes to another backend when its own cannot be reached', async (t) => {
    const dead = await startWebSocketBackend(t, 'dead');
    const alive = await startWebSocketBackend(t, 'alive');
    const gateway = await start(t, settings(`${dead.url},${alive.url}`, { HEALTH_FALL: '100' }));
    await dead.kill();
    for (let i = 0; i < 3; i++) {
      assert.equal((await openWebSocket(t, gateway.addresses.console!.port)).greeting, 'alive');
    }
  });

  test('when the backend dies the browser is told, and the other way round', async (t) => {
    const backend = await startWebSocketBackend(t, 'one');
    const gateway = await start(t, settings(backend.url));
    const { port } = gateway.addresses.console!;
    const leaving = await openWebSocket(t, port);
    leaving.socket.terminate();
    await until('the backend leg is closed', () => backend.sockets.size === 0);
    const staying = await openWebSocket(t, port);
    await backend.kill();
    await once(staying.socket, 'close');
  });

  test('a leg that only half-closes is closed altogether once the other is gone', async (t) => {
    const legs: Socket[] = [];
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      legs.push(socket);
      socket.on('error', () => {});
      socket.once('data', (data) => {
        if (String(data).startsWith('GET /health ')) {
          socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
          return;
        }
        socket.write(
          'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
        );
        socket.write('last words');
        socket.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      for (const leg of legs) leg.destroy();
      server.close();
    });
    const { port } = server.address() as { port: number };
    const gateway = await start(t, settings(`http://127.0.0.1:${port}`));
    const answer = await exchangeRaw(
      gateway.addresses.console!.port,
      'GET /?token=t HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    );
    assert.match(answer, /^HTTP\/1\.1 101 .*\r\n\r\nlast words$/s);
  });

  test('a tunnel that is idle lives until TUNNEL_TIMEOUT, and traffic keeps it', async (t) => {
    const backend = await startWebSocketBackend(t, 'one');
    const gateway = await start(
      t,
      settings(backend.url, {
        TUNNEL_TIMEOUT: '600ms',
        SERVER_TIMEOUT: '100ms',
        CLIENT_TIMEOUT: '100ms',
        KEEPALIVE_TIMEOUT: '100ms',
      }),
    );
    const { socket } = await openWebSocket(t, gateway.addresses.console!.port);
    const opened = performance.now();
    for (let i = 0; i < 4; i++) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      socket.send('still here');
      await once(socket, 'message');
    }
    assert.ok(performance.now() - opened >= 1_000, 'outlived every other timeout');
    const quiet = performance.now();
    await once(socket, 'close');
    assert.ok(performance.now() - quiet >= 550);
  });

  test('an answer other than 101 is passed on as it is', async (t) => {
    const backend = await startBackend(t);
    backend.server.on('upgrade', (req, socket) => {
      if (req.url === '/health') return;
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\nX-Why: origin\r\n\r\nno way');
    });
    const gateway = await start(t, settings(backend.url));
    const { promise, resolve } = Promise.withResolvers<Answer | Promise<Answer>>();
    request({
      host: '127.0.0.1',
      port: gateway.addresses.console!.port,
      rejectUnauthorized: false,
      headers: { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' },
    })
      .on('response', (incoming) => resolve(collect(incoming)))
      .end();
    const answer = await promise;
    assert.deepEqual(
      [answer.status, answer.headers['x-why'], answer.body],
      [403, 'origin', 'no way'],
    );
  });

  test('a backend that closes without an answer is a 502; none at all a 503', async (t) => {
    const rude = await startBackend(t);
    rude.server.on('upgrade', (_req, socket) => socket.destroy());
    const { logger, lines } = recordingLogger();
    const gateway = await start(t, settings(rude.url), logger);
    const { port } = gateway.addresses.console!;
    await assert.rejects(openWebSocket(t, port), { message: /502/ });
    await rude.kill();
    await assert.rejects(openWebSocket(t, port), { message: /503/ });
    const refused = lines.filter(
      ({ msg }) => msg === 'request failed' || msg === 'websocket failed',
    );
    assert.deepEqual(
      refused.map(({ kind }) => kind),
      ['badGateway', 'noBackend'],
    );
    assert.ok(!JSON.stringify(lines).includes('token'));
  });

  test('closing the gateway ends its tunnels', async (t) => {
    const backend = await startWebSocketBackend(t, 'one');
    const gateway = await start(t, settings(backend.url));
    const { socket } = await openWebSocket(t, gateway.addresses.console!.port);
    const closed = once(socket, 'close');
    await gateway.close();
    await closed;
  });
}
