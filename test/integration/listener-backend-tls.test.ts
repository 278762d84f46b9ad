import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { before, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import type { CertificateFiles } from '../../src/demo/certificate.ts';
import { BackendTls } from '../../src/upstream/backend-tls.ts';
import { encodeProxyV1, encodeProxyV2 } from '../../src/upstream/proxy-header.ts';
import { issue } from '../support/certificates.ts';
import { temporaryFolder } from '../support/gateway.ts';
import { startHaproxy } from '../support/haproxy.ts';
import { contextsOf, startListener } from '../support/listener.ts';

let named: CertificateFiles;
let address: CertificateFiles;

before(async (t) => {
  const folder = temporaryFolder(t as never);
  address = await issue(folder, 'address', { names: ['127.0.0.1'] });
  named = await issue(folder, 'named', { names: ['portal.internal'] });
});

/** Secures a connection to a port of this host; gives it, or the code of what went wrong. */
async function dial(port: number, tls: BackendTls): Promise<TLSSocket | string> {
  const raw = connect(port, '127.0.0.1');
  await once(raw, 'connect');
  const socket = tls.secure(raw);
  try {
    await once(socket, 'secureConnect');
    return socket;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code!;
  }
}

async function subject(port: number, tls: BackendTls): Promise<string> {
  const socket = await dial(port, tls);
  if (typeof socket === 'string') return socket;
  const name = socket.getPeerX509Certificate()!.subject;
  socket.destroy();
  return name;
}

test('the certificate of a backend has to be vouched for, and be good for its name', async (t) => {
  const { port } = await startListener(t, contextsOf(address, named));
  const bundle = join(temporaryFolder(t), 'bundle.pem');
  writeFileSync(bundle, `${readFileSync(address.cert)}\n${readFileSync(named.cert)}`);
  const by = (hostname: string, caFile: string | undefined, serverName?: string) =>
    subject(port, new BackendTls({ hostname, caFile, verify: true, serverName }));
  assert.equal(await by('portal.internal', bundle), 'CN=named');
  assert.equal(await by('127.0.0.1', bundle), 'CN=address');
  assert.equal(await by('127.0.0.1', bundle, 'portal.internal'), 'CN=named');
  assert.equal(await by('other.internal', bundle), 'ERR_TLS_CERT_ALTNAME_INVALID');
  assert.equal(await by('[::1]', bundle), 'ERR_TLS_CERT_ALTNAME_INVALID');
  assert.equal(await by('portal.internal', undefined), 'DEPTH_ZERO_SELF_SIGNED_CERT');
  assert.equal(await by('portal.internal', address.cert), 'DEPTH_ZERO_SELF_SIGNED_CERT');
});

test('verification can be turned off', async (t) => {
  const { port } = await startListener(t, contextsOf(address, named));
  const tls = new BackendTls({ hostname: 'portal.internal', verify: false });
  assert.equal(await subject(port, tls), 'CN=named');
});

test('the second connection to a backend resumes the session of the first', async (t) => {
  const { port } = await startListener(t, contextsOf(address));
  const tls = new BackendTls({ hostname: '127.0.0.1', caFile: address.cert, verify: true });
  const first = await dial(port, tls);
  assert.ok(typeof first !== 'string' && !first.isSessionReused());
  await once(first, 'session');
  first.destroy();
  const second = await dial(port, tls);
  assert.ok(typeof second !== 'string' && second.isSessionReused() && second.authorized);
  second.destroy();
});

test('a backend that is HAProxy takes our PROXY header, then TLS, on one connection', async (t) => {
  const crt = join(temporaryFolder(t), 'both.pem');
  writeFileSync(crt, `${readFileSync(named.cert)}\n${readFileSync(named.key)}`);
  const [port] = await startHaproxy(
    t,
    1,
    ([free]) =>
      `frontend f\n mode http\n bind 127.0.0.1:${free} accept-proxy ssl crt ${crt}\n http-request return status 200 content-type text/plain lf-string "%[src] %[src_port] %[dst] %[dst_port]"`,
  );
  const options = { hostname: 'portal.internal', caFile: named.cert, verify: true };
  const tls = new BackendTls(options);
  for (const encode of [encodeProxyV1, encodeProxyV2]) {
    for (const [client, front] of [
      ['192.0.2.1', '198.51.100.1'],
      ['2001:db8::7', '2001:db8::1'],
    ] as const) {
      const raw = connect(port!, '127.0.0.1');
      await once(raw, 'connect');
      const told = { address: client, port: 1234, localAddress: front, localPort: 443 };
      raw.write(encode(told));
      const socket = tls.secure(raw);
      socket.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
      assert.match(await text(socket), new RegExp(`\r\n\r\n${client} 1234 ${front} 443$`));
    }
  }
});

test('a file that holds no certificates is refused with the remedy', () => {
  const read = (caFile: string) => () => new BackendTls({ hostname: 'a', caFile, verify: true });
  const text = readFileSync(named.cert, 'utf8');
  const broken = `${named.cert}.broken`;
  writeFileSync(broken, `${text}${text.replace(/.{64}/, 'A'.repeat(64))}`);
  assert.throws(read('/nowhere.pem'), /^Error: cannot be used \(ENOENT.*; write/);
  assert.throws(read(named.key), /cannot be used .*no certificate.*PEM file of CA certificates/);
  assert.throws(read(broken), /cannot be used /);
});
