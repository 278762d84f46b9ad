import { GET, head, OK, response } from '../bytes.ts';
import type { ConformanceCase } from '../case.ts';
import { rejects, relays } from '../shapes.ts';

const LENGTH = 'Content-Length: 2';

/** A response with this field line in its head, as it is. */
const withLine = (line: string) => `${head('HTTP/1.1 200 OK', LENGTH, line)}ok`;

/** Status line and fields of responses. */
export const responseHead: readonly ConformanceCase[] = [
  relays('RFC 9112 §4: a reason phrase may be empty', `${head('HTTP/1.1 200 ', LENGTH)}ok`, {
    status: 200,
    body: 'ok',
  }),
  relays(
    'RFC 9112 §4: a reason phrase may hold blanks, tabs and bytes beyond ASCII',
    `${head('HTTP/1.1 200 tr\xe8s\tbien !', LENGTH)}ok`,
    { status: 200, body: 'ok' },
  ),
  relays('RFC 9110 §15: a status that nobody knows crosses', response('299 Odd', 'ok'), {
    status: 299,
    body: 'ok',
  }),
  relays(
    'RFC 9110 §15: a status of an error crosses with its body',
    response('503 Busy', 'later', 'Retry-After: 7'),
    { status: 503, body: 'later', fields: { 'retry-after': '7' } },
  ),
  rejects(
    'RFC 9112 §4: a status of two digits is not passed on',
    `${head('HTTP/1.1 20 OK', LENGTH)}ok`,
  ),
  rejects(
    'RFC 9112 §4: a status of four digits is not passed on',
    `${head('HTTP/1.1 2000 OK', LENGTH)}ok`,
  ),
  rejects(
    'RFC 9112 §4: a status that is no number is not passed on',
    `${head('HTTP/1.1 2x0 OK', LENGTH)}ok`,
  ),
  rejects(
    'RFC 9110 §15: a status below 100 is not passed on',
    `${head('HTTP/1.1 099 OK', LENGTH)}ok`,
  ),
  rejects(
    'RFC 9112 §4: two blanks before the status are not passed on',
    `${head('HTTP/1.1  200 OK', LENGTH)}ok`,
  ),
  rejects(
    'RFC 9112 §4: a control byte in the reason phrase is not passed on',
    `${head('HTTP/1.1 200 O\x01K', LENGTH)}ok`,
  ),
  rejects(
    'RFC 9112 §2.3: a response of another major version is not passed on',
    `${head('HTTP/2.0 200 OK', LENGTH)}ok`,
  ),
  rejects(
    'RFC 9112 §2.3: a response with the name of the protocol in lower case is not passed on',
    `${head('http/1.1 200 OK', LENGTH)}ok`,
  ),
  rejects(
    'RFC 9112 §2.3: what does not speak HTTP is not passed on',
    'SSH-2.0-OpenSSH_9.2\r\n\r\n',
  ),
  rejects(
    'RFC 9112 §2.2: a bare LF after the status line is not passed on',
    `HTTP/1.1 200 OK\n${LENGTH}\r\n\r\nok`,
  ),
  rejects(
    'RFC 9112 §2.2: a bare LF after a field line of a response is not passed on',
    withLine('X-A: b\nX-B: c'),
  ),
  rejects(
    'RFC 9112 §2.2: a bare CR in a field of a response is not passed on',
    withLine('X-A: b\rSet-Cookie: c'),
  ),
  rejects(
    'RFC 9112 §2.2: a bare LF as the end of the head of a response is not passed on',
    `HTTP/1.1 200 OK\r\n${LENGTH}\r\n\nok`,
  ),
  rejects('RFC 9112 §5: a line of a response without a colon is not passed on', withLine('X-A')),
  rejects(
    'RFC 9112 §5.1: a blank before the colon in a response is not passed on',
    withLine('X-A : b'),
  ),
  rejects('RFC 9112 §5.2: a folded field of a response is not passed on', withLine('X-A: b\r\n c')),
  rejects(
    'RFC 9110 §5.1: a field name of a response that is no token is not passed on',
    withLine('X-(A): b'),
  ),
  rejects('RFC 9110 §5.1: an empty field name of a response is not passed on', withLine(': b')),
  rejects('RFC 9110 §5.5: a NUL in a field of a response is not passed on', withLine('X-A: b\0c')),
  rejects(
    'RFC 9110 §5.5: a control byte in a field of a response is not passed on',
    withLine('X-A: b\x01c'),
  ),
  rejects(
    'RFC 9110 §5.5: a DEL in a field of a response is not passed on',
    withLine('X-A: b\x7fc'),
  ),
  relays(
    'RFC 9110 §5.5: bytes beyond ASCII in a field of a response cross',
    withLine('X-A: caf\xe9'),
    { status: 200, fields: { 'x-a': 'caf\xe9' } },
  ),
  relays(
    'RFC 9110 §5.3: cookies stay fields of their own, in order',
    response('200 OK', 'ok', 'Set-Cookie: a=1', 'Set-Cookie: b=2; Path=/', 'Set-Cookie: a=3'),
    {
      status: 200,
      fields: { 'set-cookie': [/^a=1/, /^b=2; Path=\//, /^a=3/] },
    },
  ),
  relays(
    'RFC 9110 §7.7: what concerns only the two ends comes back unchanged',
    response(
      '200 OK',
      '\x1f\x8b\0\xff',
      'Content-Encoding: gzip',
      'ETag: W/"a"',
      'Vary: Cookie, Accept',
      'Age: 7',
      'Cache-Control: max-age=9',
      'WWW-Authenticate: Basic realm="a"',
      'Last-Modified: Tue, 15 Nov 1994 12:45:26 GMT',
    ),
    {
      status: 200,
      body: '\x1f\x8b\0\xff',
      fields: {
        'content-encoding': 'gzip',
        etag: 'W/"a"',
        vary: 'Cookie, Accept',
        age: '7',
        'cache-control': 'max-age=9',
        'www-authenticate': 'Basic realm="a"',
        'last-modified': 'Tue, 15 Nov 1994 12:45:26 GMT',
      },
    },
  ),
  {
    name: 'RFC 9110 §15.6.3: a backend that closes without an answer is told as 502',
    async play(stage) {
      const { client, backend } = stage;
      client.send(GET);
      const { wire } = await backend.request();
      wire.end();
      await client.response({ status: 502 });
    },
  },
  {
    name: 'RFC 9110 §15.6.3: a backend that resets within its head is told as 502',
    async play({ client, backend }) {
      client.send(GET);
      const { wire } = await backend.request();
      wire.send('HTTP/1.1 200 OK\r\nContent-');
      wire.reset();
      await client.response({ status: 502 });
    },
  },
  {
    name: 'RFC 9110 §15.6.3: the client of a backend that answered badly is served on',
    async play(stage) {
      const { client, backend } = stage;
      client.send(GET);
      const { wire } = await backend.request();
      wire.send(withLine('X-(A): b'));
      const answer = await client.response({ status: 502 });
      await stage.servesOnAfter(answer);
    },
  },
  {
    name: 'RFC 9110 §15.6: a backend that does not listen is told as 502 or 503',
    // HAProxy connects anew three times, a second apart.
    deadlineMs: 6_000,
    async play({ client, backend }) {
      await backend.close();
      client.send(GET);
      await client.response({ status: [502, 503] });
    },
  },
  {
    name: 'RFC 9112 §2: a response that comes byte by byte is read as one that comes at once',
    async play(stage) {
      const { client, backend } = stage;
      client.send(GET);
      const { wire } = await backend.request();
      for (const byte of OK) wire.send(byte);
      await client.response({ status: 200, body: 'ok' });
      await stage.stillServes(client);
    },
  },
];
