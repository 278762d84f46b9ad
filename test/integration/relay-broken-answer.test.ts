import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createServer } from 'node:tls';
import { demoCertificate } from '../../src/demo/certificate.ts';
import { pemOf } from '../support/backend.ts';
import { startTestGateway, temporaryFolder } from '../support/gateway.ts';
import { openTls } from '../support/tls-client.ts';

/** More than is read, or sent, at once. */
const PARTS = [70_000, 100, 70_000, 10];
const LENGTH = 140_110;

test('what there is of an answer that breaks off is the client’s, over TLS on both sides', async (t) => {
  const server = createServer(pemOf(await demoCertificate(temporaryFolder(t))), (socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n');
      for (const length of PARTS) socket.write('y'.repeat(length));
      socket.end();
    });
  });
  t.after(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const gateway = await startTestGateway(t, {
    PORTAL_BACKENDS: `https://127.0.0.1:${port} verify=off`,
  });
  for (let i = 0; i < 20; i += 1) {
    const { tls } = openTls(gateway.addresses.portal!.port);
    t.after(() => tls.destroy());
    let text = '';
    tls.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
    });
    tls.on('error', () => {});
    tls.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
    await new Promise((resolve) => tls.on('close', resolve));
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
    assert.equal(text.split('y').length - 1, LENGTH);
  }
});
