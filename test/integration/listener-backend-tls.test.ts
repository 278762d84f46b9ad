import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { before, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import type { CertificateFiles } from '../../src/demo/certificate.ts';
import { BackendTls, readAuthorities } from '../../src/upstream/backend-tls.ts';
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
  const socket = tls.secure(connect(port, '127.0.0.1'));
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
  const vouched = readAuthorities(bundle);
  const by = (hostname: string, ca: string | undefined, serverName?: string) =>
    subject(port, new BackendTls({ hostname, ca, verify: true, serverName }));
  assert.equal(await by('portal.internal', vouched), 'CN=named');
  assert.equal(await by('127.0.0.1', vouched), 'CN=address');
  assert.equal(await by('127.0.0.1', vouched, 'portal.internal'), 'CN=named');
  assert.equal(await by('other.internal', vouched), 'ERR_TLS_CERT_ALTNAME_INVALID');
  assert.equal(await by('[::1]', vouched), 'ERR_TLS_CERT_ALTNAME_INVALID');
  assert.equal(await by('portal.internal', undefined), 'DEPTH_ZERO_SELF_SIGNED_CERT');
  const stranger = readAuthorities(address.cert);
  assert.equal(await by('portal.internal', stranger), 'DEPTH_ZERO_SELF_SIGNED_CERT');
});

test('verification can be turned off', async (t) => {
  const { port } = await startListener(t, contextsOf(address, named));
  const tls = new BackendTls({ hostname: 'portal.internal', verify: false });
  assert.equal(await subject(port, tls), 'CN=named');
});

test('the second connection to a backend resumes the session of the first', async (t) => {
  const { port } = await startListener(t, contextsOf(address));
  const ca = readAuthorities(address.cert);
  const tls = new BackendTls({ hostname: '127.0.0.1', ca, verify: true });
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
  const ca = readAuthorities(named.cert);
  const tls = new BackendTls({ hostname: 'portal.internal', ca, verify: true });
  for (const encode of [encodeProxyV1, encodeProxyV2]) {
    for (const [client, front] of [
      ['192.0.2.1', '198.51.100.1'],
      ['2001:db8::7', '2001:db8::1'],
    ] as const) {
      const raw = connect(port!, '127.0.0.1');
      const told = { address: client, port: 1234, localAddress: front, localPort: 443 };
      raw.write(encode(told));
      const socket = tls.secure(raw);
      socket.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
      assert.match(await text(socket), new RegExp(`\r\n\r\n${client} 1234 ${front} 443$`));
    }
  }
});

test('a health check can use the same options', async (t) => {
  const { port } = await startListener(t, contextsOf(named), {
    onConnection: (socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end('HTTP/1.1 204 No Content\r\n\r\n'));
    },
  });
  const ca = readAuthorities(named.cert);
  const { options } = new BackendTls({ hostname: 'portal.internal', ca, verify: true });
  const outgoing = request({ ...options, host: '127.0.0.1', port, agent: false }).end();
  const [response] = await once(outgoing, 'response');
  assert.equal(response.statusCode, 204);
  response.destroy();
});

test('a file that holds no certificates is refused with the remedy', () => {
  assert.throws(() => readAuthorities('/nowhere.pem'), /^Error: cannot be used \(ENOENT.*; write/);
  assert.throws(() => readAuthorities(named.key), /cannot be used .*PEM file of CA certificates/);
});
