import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Cleanup } from '../../support/cleanup.ts';
import { startTestGateway } from '../../support/gateway.ts';
import { startHaproxy } from '../../support/haproxy.ts';
import type { Credentials } from './authority.ts';

/** What is examined: three listeners of a Dashgate with its default settings, and two of an HAProxy. */
export const SUBJECTS = ['portal', 'console', 'admin', 'haproxy', 'haproxy-mozilla'] as const;
export type SubjectName = (typeof SUBJECTS)[number];

export function isDashgate(name: SubjectName): boolean {
  return !name.startsWith('haproxy');
}

/** Starts all of them in front of one backend; gives the address to examine of each. */
export async function startSubjects(
  cleanup: Cleanup,
  credentials: Credentials,
  folder: string,
): Promise<Record<SubjectName, string>> {
  // All that starting needs of a test is its end.
  const t = cleanup as Pick<TestContext, 'after'> as TestContext;
  const backend = await startDashboard(cleanup);
  const { ec, rsa } = credentials;
  const gateway = await startTestGateway(t, {
    PORTAL_BACKENDS: backend,
    CONSOLE_LISTEN: '127.0.0.1:0',
    CONSOLE_BACKENDS: backend,
    ADMIN_TLS: 'on',
    TLS_CERT: `${ec.cert},${rsa.cert}`,
    TLS_KEY: `${ec.key},${rsa.key}`,
  });
  const pems = [ec, rsa].map((files, index) => {
    const pem = join(folder, `pair-${index}.pem`);
    const text = [files.cert, files.key].map((file) => readFileSync(file, 'utf8'));
    writeFileSync(pem, text.join('\n'), { mode: 0o600 });
    return `crt ${pem}`;
  });
  const [plain, mozilla] = await startHaproxy(t, 2, ([first, second]) =>
    [
      ` mode http\nfrontend plain\n bind 127.0.0.1:${first} ssl ${pems.join(' ')} alpn http/1.1`,
      ` default_backend dashboard`,
      `frontend mozilla\n bind 127.0.0.1:${second} ssl ${pems.join(' ')} alpn http/1.1 ${MOZILLA}`,
      ` default_backend dashboard`,
      `backend dashboard\n server one ${backend.replace('http://', '')}`,
    ].join('\n'),
  );
  // By its name: HAProxy chooses between certificates for those alone that send one.
  const at = (port: number | undefined, path: string) => `https://localhost:${port}${path}`;
  const { portal, console, admin } = gateway.addresses;
  return {
    portal: at(portal?.port, '/dashboard/auth/login/'),
    console: at(console?.port, '/vnc_lite.html'),
    admin: at(admin?.port, '/'),
    haproxy: at(plain, '/dashboard/auth/login/'),
    'haproxy-mozilla': at(mozilla, '/dashboard/auth/login/'),
  };
}

/** The intermediate profile as Mozilla's generator writes it for HAProxy 2.6, options of one `bind`. */
const MOZILLA = [
  'ssl-min-ver TLSv1.2 no-tls-tickets prefer-client-ciphers curves X25519:prime256v1:secp384r1',
  'ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256',
  'ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305',
].join(' ');

/** Answers everything with the fields that Django's SecurityMiddleware and Horizon send; noVNC's files have none. */
async function startDashboard(cleanup: Cleanup): Promise<string> {
  const server = createServer((incoming, outgoing) => {
    if (!incoming.url?.startsWith('/vnc')) {
      outgoing.setHeader('X-Frame-Options', 'SAMEORIGIN');
      outgoing.setHeader('X-Content-Type-Options', 'nosniff');
      outgoing.setHeader('Referrer-Policy', 'same-origin');
    }
    outgoing.setHeader('Content-Type', 'text/html').end('<!DOCTYPE html><title>Login</title>');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
