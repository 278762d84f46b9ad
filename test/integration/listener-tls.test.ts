import assert from 'node:assert/strict';
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { before, test } from 'node:test';
import { type ConnectionOptions, connect, getCiphers, type TLSSocket } from 'node:tls';
import type { CertificateFiles } from '../../src/demo/certificate.ts';
import { ConnectionLimit } from '../../src/listener/connection-limit.ts';
import { TlsContexts } from '../../src/listener/tls-contexts.ts';
import { issue } from '../support/certificates.ts';
import { clientHello } from '../support/client-hello.ts';
import { temporaryFolder } from '../support/gateway.ts';
import { closed, contextsOf, startListener, writingBy } from '../support/listener.ts';
import { until } from '../support/until.ts';

let ec: CertificateFiles;
let rsa: CertificateFiles;
let wildcard: CertificateFiles;

before(async (t) => {
  const folder = temporaryFolder(t as never);
  ec = await issue(folder, 'ec', { names: ['cloud.example'] });
  rsa = await issue(folder, 'rsa', { names: ['cloud.example'], keyType: 'rsa' });
  wildcard = await issue(folder, 'wildcard', { names: ['*.console.example'] });
});

/** A handshake that has to succeed. */
async function handshake(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
  await once(socket, 'secureConnect');
  return socket;
}

/** A handshake whose session can be resumed. */
async function firstVisit(port: number, options: ConnectionOptions = {}): Promise<Buffer> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
  const [session] = await once(socket, 'session');
  assert.equal(socket.isSessionReused(), false);
  socket.destroy();
  return session;
}

/** The code of the error that a handshake ends with. */
async function failure(port: number, options: ConnectionOptions): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
  const [error] = await once(socket, 'error');
  return error.code;
}

/** The common name of the certificate that a client is shown. */
async function shownTo(port: number, options: ConnectionOptions): Promise<string> {
  const socket = await handshake(port, options);
  const name = socket.getPeerX509Certificate()!.subject.replace('CN=', '');
  socket.destroy();
  return name;
}

async function echo(socket: Socket, word: string): Promise<void> {
  socket.write(word);
  const [answer] = await once(socket, 'data');
  assert.equal(String(answer), word);
}

test('a first message of more than 1 KiB comes to TLS in pieces of less, so that no 16 KiB stay behind', async (t) => {
  const { port } = await startListener(t, contextsOf(ec));
  const warm = (await handshake(port)) as unknown as { readonly _handle: object };
  const native: { receive(bytes: Buffer): void } = Object.getPrototypeOf(warm._handle);
  const pieces: number[] = [];
  const { receive } = native;
  t.mock.method(native, 'receive', function (this: object, bytes: Buffer) {
    pieces.push(bytes.length);
    return receive.call(this, bytes);
  });
  await echo(await handshake(port, { ecdhCurve: 'X25519MLKEM768' }), 'hello');
  assert.ok(pieces.length > 1 && Math.max(...pieces) < 1_024, pieces.join(' and '));
});

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  const only = { minVersion: version, maxVersion: version, servername: 'cloud.example' };

  test(`a client gets the certificate whose signature it can verify, in ${version}`, async (t) => {
    for (const files of [
      [ec, rsa],
      [rsa, ec],
      [wildcard, rsa, ec],
    ]) {
      const { port } = await startListener(t, contextsOf(...files));
      assert.equal(await shownTo(port, { ...only, sigalgs: 'ECDSA+SHA256' }), 'ec');
      assert.equal(await shownTo(port, { ...only, sigalgs: 'RSA-PSS+SHA256' }), 'rsa');
    }
  });

  test(`a session is resumed at every listener with the same certificates, in ${version}`, async (t) => {
    const contexts = contextsOf(ec, rsa, wildcard);
    const { port } = await startListener(t, contexts);
    const { port: second } = await startListener(t, contexts);
    for (const servername of ['cloud.example', 'a.console.example']) {
      const session = await firstVisit(port, { ...only, servername });
      for (const target of [port, second]) {
        const again = await handshake(target, { ...only, servername, session });
        assert.equal(again.isSessionReused(), true);
        await echo(again, 'hello');
        again.destroy();
      }
    }
  });

  test(`ticket keys change at noon and midnight, everywhere: one whole handshake, then sessions are resumed again, in ${version}`, async (t) => {
    let time = Date.UTC(2030, 0, 1, 0, 0, 1);
    const start = () => {
      const { pairs } = contextsOf(ec, rsa, wildcard);
      return startListener(t, new TlsContexts(pairs, { ticketSecret: 'shared', now: () => time }));
    };
    const { port } = await start();
    const { port: second } = await start();
    for (const servername of ['cloud.example', 'a.console.example']) {
      const resumedAt = async (target: number, session: Buffer) => {
        const socket = await handshake(target, { ...only, servername, session });
        const reused = socket.isSessionReused();
        await echo(socket, 'hello');
        socket.destroy();
        return reused;
      };
      time = Date.UTC(2030, 0, 1, 0, 0, 1);
      const morning = await firstVisit(port, { ...only, servername });
      time = Date.UTC(2030, 0, 1, 11, 59, 59);
      assert.equal(await resumedAt(second, morning), true);
      time += 1_000;
      assert.equal(await resumedAt(port, morning), false);
      assert.equal(await resumedAt(second, morning), false);
      const afternoon = await firstVisit(port, { ...only, servername });
      for (const target of [second, port]) assert.equal(await resumedAt(target, afternoon), true);
      const open = await handshake(port, { ...only, servername });
      time = Date.UTC(2030, 0, 2, 0, 0, 1);
      assert.equal(await resumedAt(port, afternoon), false);
      await echo(open, 'what is open goes on');
      open.destroy();
    }
  });
}

test('a session is resumed in another process that has the same secret, and in no other', async (t) => {
  const ticketSecret = 'one of 32 characters or even more';
  const { port } = await startListener(t, new TlsContexts(contextsOf(ec).pairs, { ticketSecret }));
  const session = await firstVisit(port);
  for (const [secret, reused] of [
    [ticketSecret, true],
    [`${ticketSecret}!`, false],
  ] as const) {
    const worker = new URL('../support/tls-worker.ts', import.meta.url).pathname;
    const child = fork(worker, [ec.cert, ec.key, secret]);
    t.after(() => child.kill());
    const [target] = await once(child, 'message');
    const again = await handshake(Number(target), { session });
    assert.equal(again.isSessionReused(), reused);
    again.destroy();
  }
});

test('a client that puts ChaCha20 first has no AES in hardware, and gets it; all others get AES with 128 bits', async (t) => {
  const { port } = await startListener(t, contextsOf(ec));
  const chosen = async (maxVersion: 'TLSv1.2' | 'TLSv1.3', ciphers: readonly string[]) => {
    const options = { maxVersion, minVersion: maxVersion, ciphers: ciphers.join(':') };
    const socket = await handshake(port, options);
    const { name } = socket.getCipher();
    socket.destroy();
    return name;
  };
  for (const [version, prefix, chacha] of [
    ['TLSv1.2', 'ECDHE-ECDSA-', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
    ['TLSv1.3', 'TLS_', 'TLS_CHACHA20_POLY1305_SHA256'],
  ] as const) {
    const [small, large] = [...INTENDED[version]].filter(
      (name) => name.startsWith(prefix) && name !== chacha,
    ) as [string, string];
    assert.equal(await chosen(version, [chacha, small, large]), chacha);
    assert.equal(await chosen(version, [large, chacha, small]), small);
    assert.equal(await chosen(version, [small, chacha]), small);
    assert.equal(await chosen(version, [large, chacha]), large);
  }
});

/** Cipher suites and groups of Mozilla's intermediate profile, and the group that outlives quantum computers. */
const INTENDED = {
  'TLSv1.2': new Set([
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
  ]),
  'TLSv1.3': new Set([
    'TLS_AES_128_GCM_SHA256',
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
  ]),
  groups: new Set(['X25519MLKEM768', 'X25519', 'P-256', 'P-384']),
};

/** Groups that OpenSSL has for TLS. */
const GROUPS = [
  ...INTENDED.groups,
  ...['P-521', 'X448', 'secp256k1', 'ffdhe2048', 'ffdhe3072', 'ffdhe4096', 'brainpoolP256r1'],
  ...['SecP256r1MLKEM768', 'SecP384r1MLKEM1024', 'MLKEM768'],
];

test('no cipher suite, group or protocol is offered but those that are intended', async (t) => {
  const { port } = await startListener(t, contextsOf(ec, rsa));
  const agreed = async (options: ConnectionOptions) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
    const done = await new Promise((resolve) => {
      socket.once('secureConnect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    return done;
  };
  const all = getCiphers().map((name) => name.toUpperCase());
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const suites = all.filter((name) => name.startsWith('TLS_') === (version === 'TLSv1.3'));
    assert.ok(suites.length >= INTENDED[version].size);
    for (const name of suites) {
      // The client is to refuse nothing itself.
      const ciphers = version === 'TLSv1.3' ? name : `${name}:@SECLEVEL=0`;
      const only = { minVersion: version, maxVersion: version, ciphers };
      assert.equal(await agreed(only), INTENDED[version].has(name), `${name}, ${version}`);
    }
  }
  for (const ecdhCurve of GROUPS) {
    assert.equal(await agreed({ ecdhCurve }), INTENDED.groups.has(ecdhCurve), ecdhCurve);
  }
  for (const version of ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const) {
    const only = { minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0' };
    const offered = version === 'TLSv1.2' || version === 'TLSv1.3';
    assert.equal(await agreed(offered ? { ...only, ciphers: undefined } : only), offered, version);
  }
});

test('the server name chooses the certificate; an unknown one, or none, gets the first', async (t) => {
  const { port } = await startListener(t, contextsOf(ec, wildcard));
  assert.equal(await shownTo(port, { servername: 'cloud.example' }), 'ec');
  assert.equal(await shownTo(port, { servername: 'a.console.example' }), 'wildcard');
  assert.equal(await shownTo(port, { servername: 'A.Console.Example' }), 'wildcard');
  assert.equal(await shownTo(port, { servername: 'a.b.console.example' }), 'ec');
  assert.equal(await shownTo(port, { servername: 'unknown.example' }), 'ec');
  assert.equal(await shownTo(port, { servername: '' }), 'ec');
});

test('TLS 1.1 and ciphers without forward secrecy are refused', async (t) => {
  const { port, refusals } = await startListener(t, contextsOf(rsa, ec));
  const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' } as const;
  assert.equal(await failure(port, old), 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
  const weak = ['AES128-GCM-SHA256', 'ECDHE-RSA-AES128-SHA', 'DHE-RSA-AES128-GCM-SHA256'];
  for (const ciphers of weak) {
    const code = await failure(port, { maxVersion: 'TLSv1.2', ciphers });
    assert.match(code, /ALERT_HANDSHAKE_FAILURE/, ciphers);
  }
  await until('all are told', () => refusals.length === 4);
  assert.ok(refusals.every(({ cause }) => cause === 'handshake'));
});

test('HTTP/1.1 is agreed on where a client asks, and a client of HTTP/2 alone is refused', async (t) => {
  const { port } = await startListener(t, contextsOf(ec));
  const both = await handshake(port, { ALPNProtocols: ['h2', 'http/1.1'] });
  assert.equal(both.alpnProtocol, 'http/1.1');
  both.destroy();
  const none = await handshake(port);
  assert.equal(none.alpnProtocol, false);
  none.destroy();
  assert.equal(
    await failure(port, { ALPNProtocols: ['h2'] }),
    'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
  );
});

test('the key agreement resists quantum computers where the client has it', async (t) => {
  const { port } = await startListener(t, contextsOf(ec));
  const groups = { X25519MLKEM768: 'X25519MLKEM768', X25519: 'X25519', 'P-256': 'prime256v1' };
  for (const [ecdhCurve, agreed] of Object.entries(groups)) {
    const socket = await handshake(port, { ecdhCurve });
    assert.match(JSON.stringify(socket.getEphemeralKeyInfo()), new RegExp(agreed));
    socket.destroy();
  }
  assert.match(await failure(port, { ecdhCurve: 'P-521' }), /ALERT_HANDSHAKE_FAILURE/);
});

test('a client cannot make the server renegotiate', async (t) => {
  const { port } = await startListener(t, contextsOf(ec));
  const client = spawn('openssl', ['s_client', '-tls1_2', '-connect', `127.0.0.1:${port}`]);
  t.after(() => client.kill());
  const errors = text(client.stderr);
  let output = '';
  client.stdout.on('data', (chunk) => {
    output += chunk;
    if (output.includes('Verify return code') && client.stdin.writable) client.stdin.end('R\n');
  });
  await once(client, 'close');
  assert.match(output, /Protocol *: TLSv1\.2/);
  assert.match(await errors, /RENEGOTIATING[\s\S]*no renegotiation/);
});

for (const [kind, files] of [
  ['with one certificate', () => [ec]],
  ['with several', () => [ec, rsa, wildcard]],
] as const) {
  test(`what is no TLS handshake ends the connection and nothing else, ${kind}`, async (t) => {
    const { port, listener, refusals } = await startListener(t, contextsOf(...files()), {
      handshakeTimeoutMs: 600_000,
    });
    const hello = Buffer.from('160301020001', 'hex');
    const bystander = await handshake(port);
    const attempts = [
      'GET / HTTP/1.1\r\nhost: cloud.example\r\n\r\n',
      'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n',
      Buffer.alloc(100_000, 0xff),
      Buffer.alloc(1_000),
      Buffer.concat([hello, Buffer.alloc(600, 1)]),
      Buffer.from('16030100050100000100', 'hex'),
    ];
    for (const bytes of attempts) {
      const socket = connectTcp(port, '127.0.0.1');
      socket.write(bytes);
      await closed(socket);
    }
    // Those that leave in the middle, politely or not.
    for (const leave of ['end', 'resetAndDestroy'] as const) {
      for (const bytes of ['', hello]) {
        const before = refusals.length;
        const socket = connectTcp(port, '127.0.0.1').on('error', () => {});
        await once(socket, 'connect');
        await new Promise((done) => socket.write(bytes, done));
        socket.resume();
        socket[leave]();
        await until('it is told', () => refusals.length > before);
      }
    }
    await until('they are gone', () => listener.connections === 1);
    assert.equal(refusals.length, attempts.length + 4);
    await echo(bystander, 'undisturbed');
    bystander.destroy();
  });
}

test('a handshake that takes too long ends the connection', async (t) => {
  const { port, refusals } = await startListener(t, contextsOf(ec), { handshakeTimeoutMs: 50 });
  const socket = connectTcp(port, '127.0.0.1');
  socket.write(await clientHello());
  await closed(socket);
  assert.deepEqual(refusals, [
    { cause: 'handshake', peer: '127.0.0.1', detail: 'ERR_TLS_HANDSHAKE_TIMEOUT' },
  ]);
});

test('a client that says nothing, or not whom it asks for, in time is ended', async (t) => {
  for (const [files, bytes] of [
    [[ec], ''],
    [[ec, wildcard], '1603010200'],
  ] as const) {
    const { port, refusals } = await startListener(t, contextsOf(...files), {
      handshakeTimeoutMs: 50,
    });
    const socket = connectTcp(port, '127.0.0.1');
    socket.write(Buffer.from(bytes, 'hex'));
    await closed(socket);
    const detail = 'said too little within 50 ms';
    assert.deepEqual(refusals, [{ cause: 'handshake', peer: '127.0.0.1', detail }]);
  }
});

test('a handshake that comes byte by byte is none the worse', async (t) => {
  const { port } = await startListener(t, contextsOf(ec, wildcard));
  const raw = connectTcp({ host: '127.0.0.1', port, noDelay: true });
  const drip = writingBy(raw, (chunk, done) => {
    const bytes = [...chunk];
    const next = () => {
      const byte = bytes.shift();
      if (byte === undefined) done();
      else raw.write(Buffer.of(byte), () => setImmediate(next));
    };
    next();
  });
  const socket = connect({
    socket: drip,
    servername: 'a.console.example',
    rejectUnauthorized: false,
  });
  await once(socket, 'secureConnect');
  assert.equal(socket.getPeerX509Certificate()!.subject, 'CN=wildcard');
  await echo(socket, 'hello');
  raw.destroy();
});

for (const [kind, secure] of [
  ['secured', true],
  ['plain', false],
] as const) {
  const dial = async (port: number): Promise<Socket> => {
    const socket = connectTcp({ host: '127.0.0.1', port, allowHalfOpen: true });
    await once(socket, 'connect');
    return secure ? handshake(port, { socket }) : socket;
  };

  test(`a ${kind} connection is told with both of its ends, and can be half-closed`, async (t) => {
    let told: unknown;
    const { port } = await startListener(t, secure ? contextsOf(ec) : undefined, {
      onConnection: (socket, endpoints) => {
        told = endpoints;
        socket.resume();
        socket.on('end', () => setImmediate(() => socket.end('said after the end')));
      },
    });
    const socket = await dial(port);
    const { localAddress, localPort } = socket;
    socket.end();
    assert.equal(await text(socket), 'said after the end');
    const expected = { address: localAddress, port: localPort };
    assert.deepEqual(told, { ...expected, localAddress: '127.0.0.1', localPort: port });
  });

  test(`closing a listener leaves its ${kind} connections; destroying ends them`, async (t) => {
    const { port, listener } = await startListener(t, secure ? contextsOf(ec) : undefined);
    const sockets = [await dial(port), await dial(port)];
    const stopped = listener.close();
    assert.equal(listener.server.listening, false);
    for (const socket of sockets) await echo(socket, 'still served');
    listener.destroy();
    await stopped;
    for (const socket of sockets) {
      const gone = closed(socket);
      socket.end();
      await gone;
    }
    await until('none is counted', () => listener.connections === 0);
  });

  test(`a ${kind} connection above the limit is closed and told`, async (t) => {
    let told = 0;
    const { listener, port, refusals } = await startListener(
      t,
      secure ? contextsOf(ec) : undefined,
      {
        limit: new ConnectionLimit(1, () => {
          told += 1;
        }),
      },
    );
    const first = await dial(port);
    await closed(connectTcp(port, '127.0.0.1'));
    await closed(connectTcp(port, '127.0.0.1'));
    const refusal = { cause: 'limit', peer: '127.0.0.1' };
    assert.deepEqual(
      refusals.map(({ cause, peer }) => ({ cause, peer })),
      [refusal, refusal],
    );
    assert.equal(told, 1);
    await echo(first, 'served');
    first.destroy();
    await until('it is gone', () => listener.connections === 0);
    const next = await dial(port);
    await echo(next, 'served again');
    next.destroy();
  });
}
