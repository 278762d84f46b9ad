import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { TLSSocket } from 'node:tls';
import { demoCertificate } from '../../src/demo/certificate.ts';
import { OK } from '../support/abort-stage.ts';
import { pemOf } from '../support/backend.ts';
import { startTestGateway, temporaryFolder } from '../support/gateway.ts';
import { startScriptedServer } from '../support/scripted-server.ts';
import { openTls } from '../support/tls-client.ts';

/** What is sent after the reset is sometimes the first that is told of it, and sometimes it is not. */
const TIMES = 20;
const UPLOAD = 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n';
const REFUSAL =
  'HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 8\r\n\r\ntoo much';
const UNTIL_CLOSE = 'HTTP/1.1 413 Content Too Large\r\nConnection: close\r\n\r\ntoo much';

/** A backend that answers when it has the head of a request, and resets the connection right behind that. */
async function startHasty(t: TestContext, answer: string, secure: boolean): Promise<string> {
  const pem = pemOf(await demoCertificate(temporaryFolder(t)));
  const { url, port } = await startScriptedServer(t, (below) => {
    // An answer that Nagle's algorithm holds back would go with the reset.
    below.setNoDelay(true);
    const socket = secure ? new TLSSocket(below, { isServer: true, ...pem }) : below;
    socket.on('error', () => {});
    socket.once('data', (data: Buffer) => {
      if (data.includes('GET /health ')) {
        socket.end(OK);
        return;
      }
      socket.pause();
      socket.write(answer, () => below.resetAndDestroy());
    });
  });
  return secure ? `https://127.0.0.1:${port} verify=off` : url;
}

/** All that a client is told that uploads until it is told something. */
async function upload(t: TestContext, port: number): Promise<string> {
  const { tls } = openTls(port);
  t.after(() => tls.destroy());
  tls.on('error', () => {});
  let text = '';
  tls.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1');
    tls.end();
  });
  const more = () => {
    while (text === '' && tls.write(Buffer.alloc(16_384)));
  };
  tls.on('drain', more);
  tls.write(UPLOAD);
  more();
  await new Promise((resolve) => tls.on('close', resolve));
  return text;
}

for (const secure of [false, true]) {
  describe(`a backend that resets an upload behind its answer${secure ? ', over TLS' : ''}`, () => {
    const open = async (t: TestContext, answer: string) => {
      const gateway = await startTestGateway(t, {
        PORTAL_BACKENDS: await startHasty(t, answer, secure),
        HEALTH_INTERVAL: '1h',
        HEALTH_FALL: '100',
      });
      return gateway.addresses.portal!.port;
    };

    test('is heard to the end of it', async (t) => {
      const port = await open(t, REFUSAL);
      for (let i = 0; i < TIMES; i += 1) {
        assert.match(await upload(t, port), /^HTTP\/1\.1 413 [\s\S]*\r\n\r\ntoo much$/);
      }
    });

    test('has not told the end of an answer that lasts until it closes', async (t) => {
      const port = await open(t, UNTIL_CLOSE);
      for (let i = 0; i < TIMES; i += 1) {
        assert.match(await upload(t, port), /^HTTP\/1\.1 413 [\s\S]*\r\n\r\n8\r\ntoo much\r\n$/);
      }
    });

    test('and says nothing is a 502 at once', async (t) => {
      const port = await open(t, '\r');
      for (let i = 0; i < TIMES; i += 1) {
        assert.match(await upload(t, port), /^HTTP\/1\.1 502 [\s\S]*<\/html>\s*$/);
      }
    });
  });
}
