import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, RequestListener } from 'node:http';
import type { Server } from 'node:https';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { parseConfig } from '../../src/config.ts';
import type { CertificateFiles } from '../../src/demo/certificate.ts';
import { pemOf, startBackend, type TestBackend } from '../support/backend.ts';
import { issue } from '../support/certificates.ts';
import { FRONTS, type Front } from '../support/front.ts';
import {
  fetchTls,
  gatewaySettings,
  startTestGateway,
  temporaryFolder,
} from '../support/gateway.ts';
import { recordingLogger } from '../support/log.ts';
import { startTap } from '../support/tap.ts';
import { openWebSocket, startWebSocketBackend } from '../support/websocket.ts';

const DAY_MS = 24 * 3_600_000;

/** Backends stay as their first check found them. */
const SETTLED = { HEALTH_INTERVAL: '1h', HEALTH_FALL: '100' };

let good: CertificateFiles;
/** Vouches for all but the stranger. */
let bundle: string;
let named: CertificateFiles;
/** Certificates that are no good for a backend at 127.0.0.1, by what is wrong with them. */
let bad: Readonly<Record<'stranger' | 'expired' | 'misnamed', CertificateFiles>>;

before(async (t) => {
  const folder = temporaryFolder(t as never);
  const names = ['127.0.0.1', 'localhost'];
  good = await issue(folder, 'good', { names });
  named = await issue(folder, 'named', { names: ['portal.internal'] });
  bad = {
    stranger: await issue(folder, 'stranger', { names }),
    expired: await issue(folder, 'expired', {
      names,
      notBefore: new Date(Date.now() - 2 * DAY_MS),
      notAfter: new Date(Date.now() - DAY_MS),
    }),
    misnamed: await issue(folder, 'misnamed', { names: ['other.internal'] }),
  };
  bundle = join(folder, 'bundle.pem');
  const vouched = [good, named, bad.expired, bad.misnamed];
  writeFileSync(bundle, vouched.map(({ cert }) => readFileSync(cert)).join(''));
});

/** The names that clients asked a backend for by SNI, health checks left out. */
function askedOf(backend: TestBackend): (string | false | null | undefined)[] {
  return backend.requests.map(({ socket }) => (socket as TLSSocket).servername);
}

/** Has a backend show another certificate from now on. */
function show(backend: TestBackend, certificate: CertificateFiles): void {
  (backend.server as Server).setSecureContext(pemOf(certificate));
}

function hashOf(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

for (const { name, start } of FRONTS) {
  describe(name, () => suite(start));
}

function suite(start: Front['start']) {
  test('a request reaches a backend over TLS that the named authority vouches for', async (t) => {
    const backend = await startBackend(t, (req, res) => void req.pipe(res), good);
    const front = await start(t, { ...SETTLED, PORTAL_BACKENDS: `${backend.url} ca=${good.cert}` });
    const { port } = front.addresses.portal!;
    const get = await fetchTls(port, '/x', { headers: { host: 'vip' } });
    const post = await fetchTls(port, '/x', { method: 'POST', body: 'order' });
    assert.deepEqual([get.status, post.status, post.body], [200, 200, 'order']);
    assert.equal(backend.requests[0]!.headers.host, 'vip');
    assert.equal(backend.requests[0]!.headers['x-forwarded-proto'], 'https');
    assert.deepEqual(askedOf(backend), [false, false], 'an address is no server name');
  });

  test('10 MiB pass both ways unchanged', async (t) => {
    const upload = randomBytes(10 * 1024 * 1024);
    const download = randomBytes(10 * 1024 * 1024)
      .toString('hex')
      .slice(0, upload.length);
    const backend = await startBackend(
      t,
      (req, res) => {
        const hash = createHash('sha256');
        req.on('data', (chunk) => hash.update(chunk));
        req.on('end', () => res.setHeader('x-hash', hash.digest('hex')).end(download));
      },
      good,
    );
    const front = await start(t, { ...SETTLED, PORTAL_BACKENDS: `${backend.url} ca=${good.cert}` });
    const answer = await fetchTls(front.addresses.portal!.port, '/x', {
      method: 'POST',
      body: upload,
      headers: { 'content-length': upload.length },
    });
    assert.equal(answer.headers['x-hash'], hashOf(upload));
    assert.equal(hashOf(answer.body), hashOf(download));
  });

  test('requests follow each other on one connection, and a new one resumes its session', async (t) => {
    const resumed: boolean[] = [];
    const handler: RequestListener = ({ socket }, res) => {
      resumed.push((socket as TLSSocket).isSessionReused());
      res.end();
    };
    const backend = await startBackend(t, handler, good);
    const front = await start(t, { ...SETTLED, PORTAL_BACKENDS: `${backend.url} ca=${good.cert}` });
    const { port } = front.addresses.portal!;
    for (let i = 0; i < 3; i++) assert.equal((await fetchTls(port, '/x')).status, 200);
    assert.equal(new Set(backend.requests.map(({ socket }) => socket)).size, 1);
    await fetchTls(port, '/x', { method: 'POST', body: 'x' });
    assert.equal(new Set(backend.requests.map(({ socket }) => socket)).size, 2);
    assert.equal(resumed.at(-1), true);
  });

  test('the name that is asked for is the host name, or the one that was told', async (t) => {
    const plain = await startBackend(t, undefined, good);
    const told = await startBackend(t, undefined, named);
    for (const [backend, entry] of [
      [plain, `https://localhost:${plain.port} ca=${good.cert}`],
      [told, `${told.url} ca=${named.cert} sni=portal.internal`],
    ] as const) {
      const front = await start(t, { ...SETTLED, PORTAL_BACKENDS: entry });
      assert.equal((await fetchTls(front.addresses.portal!.port, '/x')).status, 200);
      assert.deepEqual(askedOf(backend), [backend === plain ? 'localhost' : 'portal.internal']);
    }
  });

  test('with verify=off any certificate will do', async (t) => {
    for (const certificate of Object.values(bad)) {
      const backend = await startBackend(t, undefined, certificate);
      const front = await start(t, { ...SETTLED, PORTAL_BACKENDS: `${backend.url} verify=off` });
      assert.equal((await fetchTls(front.addresses.portal!.port, '/x')).status, 200);
    }
  });

  const REFUSALS = [
    ['stranger', /refused: .*DEPTH_ZERO_SELF_SIGNED_CERT\); name .* authority with ca=FILE$/],
    ['expired', /refused: .*CERT_HAS_EXPIRED\); renew it/],
    ['misnamed', /refused: .*ERR_TLS_CERT_ALTNAME_INVALID\); .* sni=NAME$/],
  ] as const;
  for (const [fault, says] of REFUSALS) {
    test(`a backend whose certificate is ${fault} is down, and the log says why`, async (t) => {
      const { logger, lines } = recordingLogger();
      const backend = await startBackend(t, undefined, bad[fault]);
      const settings = { ...SETTLED, PORTAL_BACKENDS: `${backend.url} ca=${bundle}` };
      const front = await start(t, settings, logger);
      assert.equal((await fetchTls(front.addresses.portal!.port, '/x')).status, 503);
      const down = lines.filter(({ msg }) => msg === 'backend is down');
      assert.match(String(down[0]!.detail), says);
    });

    test(`a backend that shows a certificate that is ${fault} gets no byte of a request: another does`, async (t) => {
      const turned = await startBackend(t, undefined, good);
      const sound = await startBackend(t, (req, res) => void req.pipe(res), good);
      const front = await start(t, {
        ...SETTLED,
        PORTAL_BACKENDS: `${turned.url} weight=100 ca=${bundle},${sound.url} ca=${bundle}`,
      });
      show(turned, bad[fault]);
      let tried = 0;
      let secured = 0;
      turned.server.on('connection', () => {
        tried += 1;
      });
      turned.server.on('secureConnection', () => {
        secured += 1;
      });
      const { port } = front.addresses.portal!;
      for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
        const body = method === 'GET' ? '' : 'x'.repeat(100_000);
        const headers = { 'content-length': body.length };
        const answer = await fetchTls(port, '/x', { method, body, headers });
        assert.deepEqual([answer.status, answer.body], [200, body]);
      }
      assert.equal(sound.requests.length, 4);
      assert.ok(tried > 0);
      assert.deepEqual([secured, turned.requests.length], [0, 0]);
    });
  }

  test('a request that no backend could prove itself for is a 502', async (t) => {
    const backend = await startBackend(t, undefined, good);
    const settings = { ...SETTLED, PORTAL_BACKENDS: `${backend.url} ca=${bundle}` };
    const front = await start(t, settings);
    show(backend, bad.stranger);
    assert.equal((await fetchTls(front.addresses.portal!.port, '/x')).status, 502);
    assert.equal(backend.requests.length, 0);
  });

  test('a backend that speaks no TLS is down, and the log says what to look at', async (t) => {
    const { logger, lines } = recordingLogger();
    const backend = await startBackend(t);
    const entry = `https://127.0.0.1:${backend.port} verify=off`;
    await start(t, { ...SETTLED, PORTAL_BACKENDS: entry }, logger);
    const [down] = lines.filter(({ msg }) => msg === 'backend is down');
    assert.match(String(down!.detail), /^TLS failed: [a-z ]+ \(\w+\); look whether TLS/);
  });

  test('a handshake that does not end is over at CONNECT_TIMEOUT, and another backend is tried', async (t) => {
    const slow = await startBackend(t, undefined, good);
    const sound = await startBackend(t, undefined, good);
    const tap = await startTap(t, slow.port);
    const front = await start(t, {
      ...SETTLED,
      CONNECT_TIMEOUT: '200ms',
      PORTAL_BACKENDS: `https://127.0.0.1:${tap.port} weight=100 ca=${bundle},${sound.url} ca=${bundle}`,
    });
    tap.close();
    const answer = await fetchTls(front.addresses.portal!.port, '/x', { method: 'POST' });
    assert.equal(answer.status, 200);
    assert.ok(tap.held > 0, 'it has been tried');
    assert.equal(sound.requests.length, 1);
  });

  test('a backend whose handshake does not end is down', async (t) => {
    const { logger, lines } = recordingLogger();
    const tap = await startTap(t, 0);
    tap.close();
    const entry = `https://127.0.0.1:${tap.port} verify=off`;
    await start(t, { ...SETTLED, HEALTH_TIMEOUT: '200ms', PORTAL_BACKENDS: entry }, logger);
    const [down] = lines.filter(({ msg }) => msg === 'backend is down');
    assert.equal(down!.detail, 'no connection within 200 ms');
  });

  test('a websocket passes to a backend over TLS, with large messages both ways', async (t) => {
    const backend = await startWebSocketBackend(t, 'one', good);
    const front = await start(t, {
      ...SETTLED,
      PORTAL_BACKENDS: `${backend.url} ca=${bundle}`,
      PORTAL_HEALTH_PATH: '/',
      PORTAL_HEALTH_EXPECT: '200-499',
    });
    const { socket, greeting } = await openWebSocket(t, front.addresses.portal!.port);
    assert.equal(greeting, 'one');
    assert.equal(backend.handshakes[0]!.headers['sec-websocket-version'], '13');
    const message = randomBytes(3 * 1024 * 1024);
    socket.send(message);
    const [echo] = await once(socket, 'message');
    assert.equal(hashOf(echo as Buffer), hashOf(message));
    const gone = once([...backend.sockets][0]!, 'close');
    socket.terminate();
    await gone;
  });

  test('a websocket goes to another backend where a certificate is refused', async (t) => {
    const turned = await startBackend(t, undefined, good);
    const sound = await startWebSocketBackend(t, 'sound', good);
    const front = await start(t, {
      ...SETTLED,
      PORTAL_BACKENDS: `${turned.url} weight=100 ca=${bundle},${sound.url} ca=${bundle}`,
    });
    show(turned, bad.stranger);
    for (let i = 0; i < 2; i++) {
      const { greeting } = await openWebSocket(t, front.addresses.portal!.port);
      assert.equal(greeting, 'sound');
    }
    assert.equal(turned.requests.length, 0);
  });

  test('an address of the backend in an answer leads back through the front', async (t) => {
    const backend = await startBackend(
      t,
      (req, res) =>
        void res.writeHead(302, { location: `https://127.0.0.1:${portOf(req)}/next` }).end(),
      good,
    );
    const front = await start(t, { ...SETTLED, PORTAL_BACKENDS: `${backend.url} ca=${bundle}` });
    const { port } = front.addresses.portal!;
    const answer = await fetchTls(port, '/x', { headers: { host: 'vip:8443' } });
    assert.equal(answer.headers.location, 'https://vip:8443/next');
  });
}

test('a reload takes other authorities, and is refused where the file cannot be used', async (t) => {
  const backend = await startBackend(t, undefined, good);
  const ca = join(temporaryFolder(t), 'ca.pem');
  copyFileSync(good.cert, ca);
  const settings = {
    ...(await gatewaySettings(t)),
    ...SETTLED,
    PORTAL_BACKENDS: `${backend.url} ca=${ca}`,
  };
  const gateway = await startTestGateway(t, settings);
  const status = async () =>
    (await fetchTls(gateway.addresses.portal!.port, '/x', { method: 'POST' })).status;
  assert.equal(await status(), 200);
  writeFileSync(ca, 'no certificate');
  assert.throws(
    () => parseConfig(settings),
    /"ca=.*", which cannot be used \(it holds no certificate\); write/,
  );
  copyFileSync(bad.stranger.cert, ca);
  await gateway.reload(parseConfig(settings));
  assert.equal(await status(), 502, 'what the old ones vouched for is not resumed');
  show(backend, bad.stranger);
  assert.equal(await status(), 200);
});

test('a gateway does not start on a file of authorities that it cannot use', async (t) => {
  const entry = `https://127.0.0.1:1 ca=${good.key}`;
  await assert.rejects(startTestGateway(t, { PORTAL_BACKENDS: entry }), {
    message: /PORTAL_BACKENDS=.* has "ca=.*", which cannot be used \(.*\); write the path of a PEM/,
  });
});

function portOf({ socket }: IncomingMessage): number | undefined {
  return socket.localPort;
}
