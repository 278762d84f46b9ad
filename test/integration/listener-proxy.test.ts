import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { before, type TestContext, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import type { CertificateFiles } from '../../src/demo/certificate.ts';
import type { TlsContexts } from '../../src/listener/tls-contexts.ts';
import { parseNetworks } from '../../src/policy/networks.ts';
import type { Endpoints } from '../../src/upstream/endpoints.ts';
import { encodeProxyV1, encodeProxyV2 } from '../../src/upstream/proxy-header.ts';
import { issue } from '../support/certificates.ts';
import { temporaryFolder } from '../support/gateway.ts';
import { startHaproxy } from '../support/haproxy.ts';
import {
  closed,
  contextsOf,
  startListener,
  type TestListener,
  writingBy,
} from '../support/listener.ts';
import { until } from '../support/until.ts';

const TOLD: Endpoints = {
  address: '2001:db8::7',
  port: 40_000,
  localAddress: '2001:db8::1',
  localPort: 443,
};

let one: CertificateFiles;
let other: CertificateFiles;

before(async (t) => {
  const folder = temporaryFolder(t as never);
  one = await issue(folder, 'one', { names: ['cloud.example'] });
  other = await issue(folder, 'other', { names: ['*.console.example'] });
});

/** The ways in which a listener can be secured: not, and with one certificate or with several. */
const KINDS: Record<string, () => TlsContexts | undefined> = {
  plain: () => undefined,
  secured: () => contextsOf(one),
  'secured by name': () => contextsOf(one, other),
};

/** A listener that answers with the endpoints it was told and what it was sent. */
function start(
  t: TestContext,
  tls: TlsContexts | undefined,
  options: { from?: string[]; proxyTimeoutMs?: number } = {},
): Promise<TestListener> {
  return startListener(t, tls, {
    proxies: parseNetworks(options.from ?? ['127.0.0.0/8']),
    proxyTimeoutMs: options.proxyTimeoutMs ?? 10_000,
    onConnection: (socket, endpoints) => {
      socket.on('error', () => {});
      socket.on('end', () => socket.end());
      socket.on('data', (chunk) => socket.write(`${JSON.stringify(endpoints)} ${chunk}`));
    },
  });
}

/** Says hello, over TLS where `secure`, on a connection; gives the endpoints that were told. */
async function greet(raw: Duplex, secure: boolean): Promise<Endpoints> {
  const socket = secure
    ? connectTls({ socket: raw, servername: 'a.console.example', rejectUnauthorized: false })
    : raw;
  socket.write('hello');
  const [answer] = await once(socket, 'data');
  const [, json, word] = /^(.*}) (.*)$/.exec(String(answer))!;
  assert.equal(word, 'hello');
  socket.destroy();
  return JSON.parse(json!);
}

for (const [kind, contexts] of Object.entries(KINDS)) {
  const secure = kind !== 'plain';

  for (const encode of [encodeProxyV1, encodeProxyV2]) {
    test(`${encode.name} comes in one piece with the first bytes of a ${kind} connection`, async (t) => {
      const { port, listener } = await start(t, contexts());
      const raw = connect(port, '127.0.0.1');
      let header = encode(TOLD);
      const inOnePiece = writingBy(raw, (chunk, done) => {
        raw.write(Buffer.concat([header, chunk]), () => done());
        header = Buffer.alloc(0);
      });
      assert.deepEqual(await greet(inOnePiece, secure), TOLD);
      raw.destroy();
      await until('it is gone', () => listener.connections === 0);
    });

    test(`${encode.name} comes byte by byte on a ${kind} connection`, async (t) => {
      const { port } = await start(t, contexts());
      const raw = connect({ port, host: '127.0.0.1', noDelay: true });
      await once(raw, 'connect');
      for (const byte of encode(TOLD)) {
        await new Promise((sent) => raw.write(Buffer.of(byte), sent));
        await new Promise(setImmediate);
      }
      assert.deepEqual(await greet(raw, secure), TOLD);
      raw.destroy();
    });

    test(`${encode.name} without endpoints leaves a ${kind} connection its own`, async (t) => {
      const { port } = await start(t, contexts());
      const raw = connect(port, '127.0.0.1');
      raw.write(encode(undefined));
      await once(raw, 'connect');
      const own = { address: '127.0.0.1', port: raw.localPort };
      const told = await greet(raw, secure);
      assert.deepEqual(told, { ...own, localAddress: '127.0.0.1', localPort: port });
      raw.destroy();
    });
  }

  test(`a listed peer without a header gets no ${kind} connection`, async (t) => {
    const { port, refusals } = await start(t, contexts());
    const raw = connect(port, '127.0.0.1');
    raw.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    await closed(raw);
    const detail = 'does not begin with a PROXY protocol header';
    assert.deepEqual(refusals, [{ cause: 'proxyHeader', peer: '127.0.0.1', detail }]);
  });

  test(`a listed peer whose header takes too long gets no ${kind} connection`, async (t) => {
    const { port, refusals } = await start(t, contexts(), { proxyTimeoutMs: 50 });
    const raw = connect(port, '127.0.0.1');
    raw.write('PROXY TCP4 192.0.2.1 ');
    await closed(raw);
    const detail = 'said too little within 50 ms';
    assert.deepEqual(refusals, [{ cause: 'proxyHeader', peer: '127.0.0.1', detail }]);
  });

  test(`a peer that is not listed needs no header for a ${kind} connection`, async (t) => {
    const { port } = await start(t, contexts(), { from: ['127.0.0.2', '2001:db8::/32'] });
    const raw = connect(port, '127.0.0.1');
    await once(raw, 'connect');
    const { localPort } = raw;
    assert.equal((await greet(raw, secure)).port, localPort);
    raw.destroy();
  });
}

test('the header of a peer that is not listed is no header: TLS refuses it', async (t) => {
  for (const contexts of [contextsOf(one), contextsOf(one, other)]) {
    for (const header of [encodeProxyV1(TOLD), encodeProxyV2(TOLD)]) {
      const { port, refusals } = await start(t, contexts, { from: ['127.0.0.2'] });
      const raw = connect(port, '127.0.0.1');
      raw.write(header);
      await closed(raw);
      assert.deepEqual(
        refusals.map(({ cause }) => cause),
        ['handshake'],
      );
    }
  }
});

test('the header of a peer that is not listed is passed on as what it sent, where there is no TLS', async (t) => {
  const { port } = await start(t, undefined, { from: ['127.0.0.2'] });
  const raw = connect(port, '127.0.0.1');
  raw.write(encodeProxyV1(TOLD));
  const [answer] = await once(raw, 'data');
  assert.match(String(answer), /^{"address":"127\.0\.0\.1".*} PROXY TCP6 2001:db8::7/);
  raw.destroy();
});

test('connections at once keep their endpoints apart', async (t) => {
  const { port } = await start(t, contextsOf(one, other));
  const greetings = Array.from({ length: 40 }, async (_, index) => {
    const own = { ...TOLD, address: `192.0.2.${index}`, localAddress: '198.51.100.1', port: index };
    const raw = connect(port, '127.0.0.1');
    raw.write(encodeProxyV2(own));
    assert.deepEqual(await greet(raw, true), own);
    raw.destroy();
  });
  await Promise.all(greetings);
});

test('HAProxy in front tells its clients in either version, with checksum and TLVs too', async (t) => {
  const tls = contextsOf(one, other);
  const { port: secured } = await start(t, tls);
  const { port: plain, refusals } = await start(t, undefined);
  const options = [
    'send-proxy',
    'send-proxy-v2',
    'send-proxy-v2 proxy-v2-options crc32c,unique-id,authority',
  ];
  const servers = options.flatMap((option) => [`${plain} ${option}`, `${secured} ${option}`]);
  const ports = await startHaproxy(t, servers.length, (free) =>
    servers
      .map(
        (server, index) =>
          `listen l${index}\n mode tcp\n bind 127.0.0.1:${free[index]}\n unique-id-format %rt\n server s 127.0.0.1:${server}`,
      )
      .join('\n'),
  );
  for (const [index, port] of ports.entries()) {
    const raw = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.9' });
    await once(raw, 'connect');
    const { localPort } = raw;
    assert.deepEqual(await greet(raw, index % 2 === 1), {
      address: '127.0.0.9',
      port: localPort,
      localAddress: '127.0.0.1',
      localPort: port,
    });
    raw.destroy();
  }
  assert.ok(
    refusals.every(({ cause, detail }) => cause === 'proxyHeader' && /closed/.test(detail)),
  );
});
