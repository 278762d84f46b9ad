import { chunked, GET, head, OK, request, response } from '../bytes.ts';
import type { ConformanceCase } from '../case.ts';
import { breaksOff, rejects, relays } from '../shapes.ts';

const ok = (...fields: string[]) => head('HTTP/1.1 200 OK', ...fields);
const CHUNKED = 'Transfer-Encoding: chunked';

/** Where the body of a response ends, and what is done about one that has no sound end. */
export const responseFraming: readonly ConformanceCase[] = [
  relays(
    'RFC 9110 §8.6: a body by Content-Length reaches the client',
    response('200 OK', 'hello'),
    { status: 200, body: 'hello', framing: 'length' },
  ),
  relays(
    'RFC 9110 §8.6: a response with a Content-Length of nought is whole',
    response('200 OK', ''),
    { status: 200, body: '', fields: { 'content-length': '0' } },
  ),
  relays('RFC 9112 §7.1: a body in chunks reaches the client', ok(CHUNKED) + chunked('abc', 'de'), {
    status: 200,
    body: 'abcde',
    framing: 'chunked',
  }),
  relays(
    'RFC 9112 §7.1.1: chunk extensions of a response do no harm',
    `${ok(CHUNKED)}3;a=b\r\nabc\r\n0;c="d"\r\n\r\n`,
    { status: 200, body: 'abc' },
  ),
  relays(
    'RFC 9112 §7.1.2: trailers of a response do no harm',
    `${ok(CHUNKED)}3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n`,
    { status: 200, body: 'abc' },
  ),
  relays(
    'RFC 9112 §7: the coding of a response is read in any letter case',
    ok('Transfer-Encoding: CHUNKED') + chunked('abc'),
    { status: 200, body: 'abc' },
  ),
  relays('RFC 9112 §6.3: a 204 has no body', 'HTTP/1.1 204 No Content\r\n\r\n', {
    status: 204,
    fields: { 'transfer-encoding': null },
  }),
  relays(
    'RFC 9110 §8.6: a Content-Length in a 204 makes no body',
    'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n',
    { status: 204 },
  ),
  relays(
    'RFC 9112 §6.3: a 304 has no body, whatever its Content-Length',
    'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: "a"\r\n\r\n',
    { status: 304, fields: { etag: '"a"' } },
  ),
  relays(
    'RFC 9110 §15.3.6: a 205 with a length of nought is whole',
    'HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n',
    { status: 205 },
  ),
  {
    name: 'RFC 9112 §6.3: a response that ends with the connection reaches the client whole',
    async play({ client, backend }) {
      client.send(GET);
      const { wire } = await backend.request();
      wire.send(`${ok('X-A: b')}hello`);
      wire.end();
      await client.response({ status: 200, body: 'hello', framing: ['close', 'chunked'] });
    },
  },
  {
    name: 'RFC 9112 §6.3: a response that ends with the connection reaches the client as it comes',
    async play({ client, backend }) {
      client.send(GET);
      const { wire } = await backend.request();
      wire.send(`${ok()}hello`);
      await client.shows('hello');
      wire.send('world');
      await client.shows('world');
      wire.end();
      const { framing } = await client.response({ status: 200, body: 'helloworld' });
      if (framing === 'close') await client.closed();
    },
  },
  {
    name: 'RFC 9112 §8: a response that ends with the connection is not passed off as whole after a reset',
    async play({ client, backend }) {
      client.send(GET);
      const { wire } = await backend.request();
      wire.send(`${ok()}hello`);
      await client.shows('hello');
      wire.reset();
      await client.response({ status: 200, complete: false });
    },
  },
  {
    name: 'RFC 9112 §6: a body reaches the client as it comes, not only when it is whole',
    async play(stage) {
      const { client, backend } = stage;
      client.send(GET);
      const { wire } = await backend.request();
      wire.send(`${ok('Content-Length: 10')}01234`);
      await client.shows('01234');
      wire.send('56789');
      await client.response({ status: 200, body: '0123456789' });
      await stage.stillServes(client);
    },
  },
  rejects(
    'RFC 9112 §6.3: a response with Content-Length and Transfer-Encoding is not passed on',
    ok('Content-Length: 3', CHUNKED) + chunked('abc'),
  ),
  rejects(
    'RFC 9112 §6.3: a response with unequal Content-Lengths is not passed on',
    `${ok('Content-Length: 3', 'Content-Length: 4')}abcd`,
  ),
  rejects(
    'RFC 9112 §6.3: a response with equal Content-Lengths is not passed on',
    `${ok('Content-Length: 3', 'Content-Length: 3')}abc`,
  ),
  rejects(
    'RFC 9112 §6.3: a response with a list in Content-Length is not passed on',
    `${ok('Content-Length: 3, 3')}abc`,
  ),
  rejects(
    'RFC 9110 §8.6: a response with a Content-Length that is no number is not passed on',
    `${ok('Content-Length: 3x')}abc`,
  ),
  rejects(
    'RFC 9110 §8.6: a response with a negative Content-Length is not passed on',
    `${ok('Content-Length: -3')}abc`,
  ),
  rejects(
    'RFC 9112 §6.1: a response in a coding that is not chunked is not passed on',
    `${ok('Transfer-Encoding: gzip')}abc`,
  ),
  rejects(
    'RFC 9112 §6.1: a response in a coding under chunked is not passed on',
    ok('Transfer-Encoding: gzip, chunked') + chunked('abc'),
  ),
  rejects(
    'RFC 9112 §6.1: a response of HTTP/1.0 in chunks is not passed on',
    head('HTTP/1.0 200 OK', CHUNKED) + chunked('abc'),
  ),
  breaksOff(
    'RFC 9112 §8: a response that is shorter than its Content-Length breaks off',
    `${ok('Content-Length: 10')}01234`,
    { backendEnds: true },
  ),
  breaksOff(
    'RFC 9112 §8: a response without its last chunk breaks off',
    `${ok(CHUNKED)}3\r\nabc\r\n`,
    { backendEnds: true },
  ),
  breaksOff(
    'RFC 9112 §8: a response that ends within a chunk breaks off',
    `${ok(CHUNKED)}5\r\nabc`,
    { backendEnds: true },
  ),
  breaksOff(
    'RFC 9112 §8: a response that ends within its trailers breaks off',
    `${ok(CHUNKED)}3\r\nabc\r\n0\r\nX-Sum: 1\r\n`,
    { backendEnds: true },
  ),
  breaksOff(
    'RFC 9112 §7.1: a response with a chunk size that is no number breaks off',
    `${ok(CHUNKED)}3\r\nabc\r\nxyz\r\nabc\r\n0\r\n\r\n`,
  ),
  breaksOff(
    'RFC 9112 §7.1: a response with a negative chunk size breaks off',
    `${ok(CHUNKED)}3\r\nabc\r\n-1\r\nabc\r\n0\r\n\r\n`,
  ),
  breaksOff(
    'RFC 9112 §7.1: a response with a chunk size beyond counting breaks off',
    `${ok(CHUNKED)}3\r\nabc\r\n10000000000000003\r\nabc\r\n0\r\n\r\n`,
  ),
  breaksOff(
    'RFC 9112 §7.1: a response with a chunk longer than its size breaks off',
    `${ok(CHUNKED)}3\r\nabcd\r\n0\r\n\r\n`,
  ),
  breaksOff(
    'RFC 9112 §7.1: a response with a bare LF after a chunk breaks off',
    `${ok(CHUNKED)}3\r\nabc\n0\r\n\r\n`,
  ),
  breaksOff(
    'RFC 9112 §7.1: a response with a bare LF after a chunk size breaks off',
    `${ok(CHUNKED)}3\nabc\r\n0\r\n\r\n`,
  ),
  breaksOff(
    'RFC 9112 §7.1.1: a response with a control byte in a chunk extension breaks off',
    `${ok(CHUNKED)}3;a\0\r\nabc\r\n0\r\n\r\n`,
  ),
  breaksOff(
    'RFC 9112 §7.1.2: a response with a trailer that is no field breaks off',
    `${ok(CHUNKED)}3\r\nabc\r\n0\r\nX Sum\r\n\r\n`,
  ),
  {
    name: 'RFC 9112 §8: a response that a reset cuts off in its body breaks off',
    async play({ client, backend }) {
      client.send(GET);
      const { wire } = await backend.request();
      wire.send(`${ok('Content-Length: 10')}01234`);
      await client.shows('01234');
      wire.reset();
      await client.response({ status: 200, complete: false });
    },
  },
  {
    name: 'RFC 9112 §6.3: what a backend sends beyond its response is no answer to the next request',
    async play(stage) {
      const { client, backend } = stage;
      client.send(GET);
      const { wire } = await backend.request();
      wire.send(OK + response('200 OK', 'evil'));
      await client.response({ status: 200, body: 'ok' });
      await stage.stillServes(client);
    },
  },
  {
    name: 'RFC 9112 §6.3: what a backend sends unasked is no answer to the next request',
    async play(stage) {
      const { client } = stage;
      const used = await stage.stillServes(client);
      used.send(response('200 OK', 'evil'));
      await used.closed();
      await stage.stillServes(client);
    },
  },
  {
    name: 'RFC 9112 §6.3: a body that a backend sends with a 304 is no answer to the next request',
    async play(stage) {
      const { client, backend } = stage;
      client.send(GET);
      const { wire } = await backend.request();
      wire.send(response('304 Not Modified', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'));
      await client.response({ status: 304 });
      await stage.stillServes(client);
    },
  },
  {
    name: 'RFC 9112 §6.1: a client of HTTP/1.0 is sent no chunks',
    async play({ client, backend }) {
      client.send(head('GET /x HTTP/1.0', 'Host: a.example'));
      const { wire } = await backend.request();
      wire.send(ok(CHUNKED) + chunked('abc', 'de'));
      await client.response({
        status: 200,
        body: 'abcde',
        framing: ['length', 'close'],
        fields: { 'transfer-encoding': null },
      });
      await client.closed();
    },
  },
  {
    name: 'RFC 9112 §6.3: the length of a response in a HEAD and a GET on one connection is told apart',
    async play({ client, backend }) {
      client.send(request('HEAD /x') + GET);
      const first = await backend.request({ line: /^HEAD / });
      first.wire.send(ok('Content-Length: 2'));
      const second = await backend.request({ line: /^GET / });
      second.wire.send(OK);
      await client.response({ status: 200, fields: { 'content-length': '2' } }, 'HEAD');
      await client.response({ status: 200, body: 'ok' });
    },
  },
];
