import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { before, describe, type TestContext, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import type { CertificateFiles } from '../../src/demo/certificate.ts';
import { parseBackends } from '../../src/upstream/backend-address.ts';
import { checkHttp } from '../../src/upstream/http-check.ts';
import { encodeProxyV1, encodeProxyV2 } from '../../src/upstream/proxy-header.ts';
import { parseStatusSet } from '../../src/upstream/status-set.ts';
import { startBackend } from '../support/backend.ts';
import { issue } from '../support/certificates.ts';
import { FRONTS, type Front } from '../support/front.ts';
import { fetchTls, startTestGateway, temporaryFolder } from '../support/gateway.ts';
import { startHaproxy } from '../support/haproxy.ts';
import { startToldBackend, type Told } from '../support/told-backend.ts';
import { openWebSocket } from '../support/websocket.ts';

const OPTIONS = ['send-proxy', 'send-proxy-v2'] as const;
const ROUNDS = 20;

let certificate: CertificateFiles;

before(async (t) => {
  certificate = await issue(temporaryFolder(t as never), 'backend', { names: ['127.0.0.1'] });
});

/** A client that keeps its one connection. */
class Client {
  readonly #port: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
  /** The ports that its connections had; one, if nobody closed it. */
  readonly ports = new Set<number>();

  constructor(t: TestContext, port: number) {
    this.#port = port;
    t.after(() => this.#agent.destroy());
  }

  async ask(method = 'GET', body = ''): Promise<string> {
    const headers = { 'content-length': body.length };
    const agent = this.#agent;
    const outgoing = request({
      host: '127.0.0.1',
      port: this.#port,
      path: '/x',
      agent,
      method,
      headers,
    });
    outgoing.end(body);
    const [answer] = await once(outgoing, 'response');
    this.ports.add(outgoing.socket!.localPort!);
    const told = await text(answer);
    assert.equal(answer.statusCode, 200, told);
    return told;
  }
}

for (const { name, start } of FRONTS) {
  describe(name, () => suite(start));
}

function suite(start: Front['start']) {
  for (const option of OPTIONS) {
    for (const scheme of ['http', 'https'] as const) {
      test(`HAProxy behind ${scheme}:// and ${option} is told who each client is, and never of another`, async (t) => {
        const crt = join(temporaryFolder(t), 'both.pem');
        writeFileSync(crt, `${readFileSync(certificate.cert)}\n${readFileSync(certificate.key)}`);
        const [port] = await startHaproxy(
          t,
          1,
          ([free]) =>
            `frontend f\n mode http\n bind 127.0.0.1:${free} accept-proxy ${scheme === 'https' ? `ssl crt ${crt}` : ''}\n http-request return status 200 content-type text/plain lf-string "%[src] %[src_port] %[dst] %[dst_port]"`,
        );
        const ca = scheme === 'https' ? `ca=${certificate.cert}` : '';
        const front = await start(t, {
          PORTAL_BACKENDS: `${scheme}://127.0.0.1:${port} ${ca} ${option}`,
        });
        const own = front.addresses.portal!.port;
        await Promise.all(
          [new Client(t, own), new Client(t, own)].map(async (client) => {
            for (let round = 0; round < ROUNDS; round++) {
              const told = await client.ask(
                round % 2 === 0 ? 'GET' : 'POST',
                'x'.repeat(round % 2),
              );
              const [clientPort] = client.ports;
              assert.equal(told, `127.0.0.1 ${clientPort} 127.0.0.1 ${own}`);
            }
            assert.equal(client.ports.size, 1);
          }),
        );
      });

      test(`a backend behind ${scheme}:// and ${option} has each client's requests, with their bodies, on connections of that client`, async (t) => {
        const backend = await startToldBackend(t, scheme === 'https' ? certificate : undefined);
        const front = await start(t, { PORTAL_BACKENDS: `${backend.entry} ${option}` });
        const own = front.addresses.portal!.port;
        const clients = [new Client(t, own), new Client(t, own), new Client(t, own)];
        await Promise.all(
          clients.map(async (client) => {
            for (let round = 0; round < ROUNDS; round++) {
              const body = round % 3 === 0 ? 'x'.repeat(100_000) : '';
              const told: Told = JSON.parse(await client.ask(body ? 'POST' : 'GET', body));
              const [port] = client.ports;
              assert.deepEqual([told.port, told.localPort], [port, own]);
              assert.equal(told.length, body.length);
            }
          }),
        );
        assert.equal(backend.told.length, clients.length * ROUNDS);
        const ports = new Map<number, number>();
        for (const { connection, port } of backend.told) {
          assert.equal(ports.get(connection) ?? port, port);
          ports.set(connection, port);
        }
      });
    }

    test(`a websocket begins with the header of ${option}`, async (t) => {
      for (const given of [undefined, certificate]) {
        const backend = await startToldBackend(t, given);
        const front = await start(t, { PORTAL_BACKENDS: `${backend.entry} ${option}` });
        const opened = await Promise.all(
          [1, 2].map(() => openWebSocket(t, front.addresses.portal!.port)),
        );
        for (const { socket, greeting } of opened) {
          const own = (socket as unknown as { _socket: Socket })._socket.localPort;
          assert.equal(JSON.parse(greeting).port, own);
        }
      }
    });
  }

  test('a backend that expects no header is not sent any', async (t) => {
    const backend = await startBackend(t);
    const front = await start(t, { PORTAL_BACKENDS: backend.url });
    assert.equal((await fetchTls(front.addresses.portal!.port, '/x')).status, 200);
  });

  test('a backend that expects no header but is sent one is down', async (t) => {
    const backend = await startBackend(t);
    const front = await start(t, { PORTAL_BACKENDS: `${backend.url} send-proxy` });
    assert.equal((await fetchTls(front.addresses.portal!.port, '/x')).status, 503);
    assert.equal(backend.requests.length, 0);
  });
}

test('the gateway keeps a connection for its client, and opens another for the next client', async (t) => {
  const backend = await startToldBackend(t, certificate);
  const gateway = await startTestGateway(t, {
    HEALTH_INTERVAL: '1h',
    PORTAL_BACKENDS: `${backend.entry} send-proxy-v2`,
  });
  const { port } = gateway.addresses.portal!;
  const [one, two] = [new Client(t, port), new Client(t, port)];
  const used = [];
  for (const client of [one, two, one, two, two, one]) {
    used.push((JSON.parse(await client.ask()) as Told).connection);
  }
  // The first connection was that of the health check.
  assert.deepEqual(used, [2, 3, 2, 3, 3, 2]);
});

test('what a proxy in front told of a client is passed on, whatever the address family', async (t) => {
  const clients = [
    { address: '2001:db8::7', port: 1234, localAddress: '2001:db8::1', localPort: 443 },
    { address: '192.0.2.7', port: 4321, localAddress: '198.51.100.1', localPort: 443 },
  ];
  for (const option of OPTIONS) {
    const backend = await startToldBackend(t);
    const gateway = await startTestGateway(t, {
      PROXY_PROTOCOL_FROM: '127.0.0.1',
      PORTAL_BACKENDS: `${backend.entry} ${option}`,
    });
    for (const client of clients) {
      const raw = connect(gateway.addresses.portal!.port, '127.0.0.1');
      await once(raw, 'connect');
      raw.write(encodeProxyV1(client));
      const socket = connectTls({ socket: raw, rejectUnauthorized: false });
      socket.write('GET /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
      assert.match(await text(socket), /^HTTP\/1\.1 200 /);
      const { connection, length, ...told } = backend.told.at(-1)!;
      assert.deepEqual(told, client);
      assert.deepEqual([connection > 0, length], [true, 0]);
    }
  }
});

test('a client over IPv6 is told as such', async (t) => {
  const backend = await startToldBackend(t);
  for (const option of OPTIONS) {
    const gateway = await startTestGateway(t, {
      PORTAL_LISTEN: '[::1]:0',
      PORTAL_BACKENDS: `${backend.entry} ${option}`,
    });
    const { port } = gateway.addresses.portal!;
    const answer = await fetchTls(port, '/x', { host: '::1' });
    const told: Told = JSON.parse(answer.body);
    assert.deepEqual([told.address, told.localAddress, told.localPort], ['::1', '::1', port]);
  }
});

test('a health check tells its own two ends in version 1, and in version 2 that it is local', async (t) => {
  for (const option of OPTIONS) {
    const seen: { bytes: Buffer; from: number }[] = [];
    const server = createServer((socket) => {
      const from = socket.remotePort!;
      socket.once('data', (bytes) => {
        seen.push({ bytes, from });
        socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const [address] = parseBackends(`http://127.0.0.1:${port} ${option}`, assert.fail);
    const expect = parseStatusSet('200');
    const check = { kind: 'http', method: 'GET', path: '/', expect, timeoutMs: 5_000 } as const;
    assert.deepEqual(await checkHttp(address!, check), { ok: true, detail: 'GET / gave 200' });
    const [{ bytes, from }] = seen as [(typeof seen)[0]];
    const one = { address: '127.0.0.1', localAddress: '127.0.0.1' };
    const header =
      option === 'send-proxy'
        ? encodeProxyV1({ ...one, port: from, localPort: port })
        : encodeProxyV2(undefined);
    assert.deepEqual(bytes.subarray(0, header.length), header);
  }
});
