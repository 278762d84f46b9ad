import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { exchangeRaw, startTestGateway } from '../support/gateway.ts';

test('what is no sound request is refused and never reaches a backend', async (t) => {
  const backend = await startBackend(t);
  const gateway = await startTestGateway(t, {
    PORTAL_BACKENDS: backend.url,
    HEADER_TIMEOUT: '300ms',
  });
  const cases: [what: string, bytes: string, status: number][] = [
    ['two Hosts', 'GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
    ['no Host', 'GET /x HTTP/1.1\r\n\r\n', 400],
    ['nonsense', 'SSH-2.0-OpenSSH\r\n\r\n', 400],
    [
      'both framings',
      'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    [
      'two lengths',
      'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd',
      400,
    ],
    [
      'a coding that is not chunked',
      'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n',
      400,
    ],
    ['a blank before the colon', 'GET /x HTTP/1.1\r\nHost: a\r\nX-A : b\r\n\r\n', 400],
    ['a folded header', 'GET /x HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n', 400],
    ['a NUL', 'GET /x HTTP/1.1\r\nHost: a\r\nX-A: b\0c\r\n\r\n', 400],
    ['a target that is no path', 'GET x HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['a head without end', `GET /x HTTP/1.1\r\nHost: a\r\nX-A: ${'b'.repeat(40_000)}\r\n\r\n`, 431],
    ['a head that is not finished', 'GET /x HTTP/1.1\r\nHost: a\r\n', 408],
  ];
  for (const [what, bytes, status] of cases) {
    const answer = await exchangeRaw(gateway.addresses.portal!.port, bytes);
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `), what);
    assert.match(answer, /connection: close\r\n/i, what);
  }
  assert.deepEqual(
    backend.requests.map(({ url }) => url),
    [],
  );
});
