import { head, request, response } from '../bytes.ts';
import type { ConformanceCase } from '../case.ts';
import { forwards, rejects } from '../shapes.ts';
import type { Stage } from '../stage.ts';
import type { Wire } from '../wire.ts';

const HANDSHAKE = request(
  'GET /ws',
  'Connection: keep-alive, Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Protocol: binary, base64',
  'Origin: https://a.example',
);
const SWITCHING = head(
  'HTTP/1.1 101 Switching Protocols',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
  'Sec-WebSocket-Protocol: binary',
);

/** Opens a tunnel; gives the backend's end of it. */
async function upgrade({ client, backend }: Stage): Promise<Wire> {
  client.send(HANDSHAKE);
  const { wire } = await backend.request({ line: /^GET \/ws / });
  wire.send(SWITCHING);
  await client.response({ status: 101 });
  return wire;
}

/** Websocket handshakes, and the connections that they become. */
export const upgrades: readonly ConformanceCase[] = [
  {
    name: 'RFC 6455 §4.2: a websocket handshake crosses in both directions',
    async play({ client, backend }) {
      client.send(HANDSHAKE);
      const { wire } = await backend.request({
        line: 'GET /ws HTTP/1.1',
        fields: {
          connection: /upgrade/i,
          upgrade: 'websocket',
          'sec-websocket-version': '13',
          'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
          'sec-websocket-protocol': 'binary, base64',
          origin: 'https://a.example',
        },
      });
      wire.send(SWITCHING);
      await client.response({
        status: 101,
        fields: {
          connection: /upgrade/i,
          upgrade: 'websocket',
          'sec-websocket-accept': 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
          'sec-websocket-protocol': 'binary',
        },
      });
    },
  },
  {
    name: 'RFC 9110 §7.8: after 101 raw bytes cross in both directions',
    async play(stage) {
      const wire = await upgrade(stage);
      for (let i = 0; i < 3; i++) {
        stage.client.send(`\x00\xff GET / HTTP/1.1\r\n\r\n${i}`);
        await wire.receives(`\x00\xff GET / HTTP/1.1\r\n\r\n${i}`);
        wire.send(`\r\nHTTP/1.1 400 No\r\n\r\n${i}`);
        await stage.client.receives(`\r\nHTTP/1.1 400 No\r\n\r\n${i}`);
      }
    },
  },
  {
    name: 'RFC 9110 §7.8: bytes that follow 101 in one packet are the first of the new protocol',
    async play({ client, backend }) {
      client.send(HANDSHAKE);
      const { wire } = await backend.request();
      wire.send(`${SWITCHING}RFB 003.008\n`);
      await client.response({ status: 101 });
      await client.receives('RFB 003.008\n');
    },
  },
  {
    name: 'RFC 9110 §7.8: bytes that a client sends before 101 are the first of the new protocol',
    async play({ client, backend }) {
      client.send(`${HANDSHAKE}early`);
      const wire = await backend.connection();
      await wire.requestHead({ fields: { upgrade: 'websocket' } });
      wire.send(SWITCHING);
      await client.response({ status: 101 });
      await wire.receives('early');
    },
  },
  {
    name: 'RFC 6455 §7.1.1: the end of the backend is the end of the client’s connection',
    async play(stage) {
      const wire = await upgrade(stage);
      wire.send('last words');
      wire.end();
      await stage.client.receives('last words');
      await stage.client.closed();
    },
  },
  {
    name: 'RFC 6455 §7.1.1: the end of the client is the end of the backend’s connection',
    async play(stage) {
      const wire = await upgrade(stage);
      stage.client.send('last words');
      stage.client.end();
      await wire.receives('last words');
      await wire.closed();
    },
  },
  {
    name: 'RFC 9112 §9.5: a client that vanishes from a tunnel takes the backend’s connection along',
    async play(stage) {
      const wire = await upgrade(stage);
      stage.client.reset();
      await wire.closed();
    },
  },
  {
    name: 'RFC 9112 §9.5: a backend that vanishes from a tunnel takes the client’s connection along',
    // A client may first answer the close frame that tells it.
    deadlineMs: 5_000,
    async play(stage) {
      const wire = await upgrade(stage);
      wire.reset();
      // It may be told so first, in a close frame.
      await stage.client.gone();
    },
  },
  {
    name: 'RFC 6455 §4.2.2: a backend that refuses a handshake is heard by the client',
    async play({ client, backend }) {
      client.send(HANDSHAKE);
      const { wire } = await backend.request();
      wire.send(response('403 Forbidden', 'no such console', 'X-A: b'));
      await client.response({ status: 403, body: 'no such console', fields: { 'x-a': 'b' } });
    },
  },
  {
    name: 'RFC 6455 §4.4: a backend that wants another version is heard by the client',
    async play({ client, backend }) {
      client.send(HANDSHAKE);
      const { wire } = await backend.request();
      wire.send(
        head('HTTP/1.1 426 Upgrade Required', 'Sec-WebSocket-Version: 13, 8', 'Content-Length: 0'),
      );
      await client.response({ status: 426, fields: { 'sec-websocket-version': '13, 8' } });
    },
  },
  {
    name: 'RFC 9110 §7.8: a client whose handshake was refused is served on, or told to close',
    async play(stage) {
      const { client, backend } = stage;
      client.send(HANDSHAKE);
      const { wire } = await backend.request();
      wire.send(response('404 Not Found', 'none'));
      const answer = await client.response({ status: 404, body: 'none' });
      await stage.servesOnAfter(answer);
    },
  },
  {
    name: 'RFC 9110 §15.6.3: a backend that closes within a handshake is told as 502',
    async play({ client, backend }) {
      client.send(HANDSHAKE);
      const { wire } = await backend.request();
      wire.end();
      await client.response({ status: 502 });
    },
  },
  {
    name: 'RFC 9112 §5: an unsound 101 is not passed on',
    async play({ client, backend }) {
      client.send(HANDSHAKE);
      const { wire } = await backend.request();
      wire.send(
        head(
          'HTTP/1.1 101 Switching Protocols',
          'Upgrade: websocket',
          'Connection: Upgrade',
          'X-(A): b',
        ),
      );
      await client.response({ status: 502 });
      await wire.closed();
    },
  },
  {
    name: 'RFC 9110 §7.8: a 101 to another protocol than was asked for is not passed on',
    async play({ client, backend }) {
      client.send(HANDSHAKE);
      const { wire } = await backend.request();
      wire.send(head('HTTP/1.1 101 Switching Protocols', 'Upgrade: h2c', 'Connection: Upgrade'));
      await client.response({ status: 502 });
      await wire.closed();
    },
  },
  forwards(
    'RFC 9110 §7.8: an upgrade to h2c is not offered to the backend',
    request(
      'GET /x',
      'Connection: Upgrade, HTTP2-Settings',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABkAAQAAP__',
    ),
    {
      fields: { upgrade: null, 'http2-settings': null },
    },
  ),
  {
    name: 'RFC 9110 §7.8: an Upgrade in a request of HTTP/1.0 is ignored',
    async play({ client, backend }) {
      client.send(
        head('GET /x HTTP/1.0', 'Host: a.example', 'Connection: Upgrade', 'Upgrade: websocket'),
      );
      const { wire } = await backend.request({ fields: { upgrade: null } });
      wire.send(response('200 OK', 'ok'));
      await client.response({ status: 200, body: 'ok' });
      await client.closed();
    },
  },
  rejects('RFC 6455 §4.1: a 101 after a plain request opens no tunnel', SWITCHING),
];
