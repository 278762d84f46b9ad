import { GET, head, OK, request } from '../bytes.ts';
import type { ConformanceCase } from '../case.ts';
import { HEAD_LIMIT, REQUEST_LINE_LIMIT } from '../peers/proxy.ts';
import { forwards, refuses, refusesBody, rejects, relays } from '../shapes.ts';

/** Time limits are of one second. */
const PATIENT = { deadlineMs: 6_000 };
const fill = (count: number) => 'a'.repeat(count);
const manyFields = (count: number) => Array.from({ length: count }, (_, i) => `X-${i}: b`);
const POST_CHUNKED = request('POST /x', 'Transfer-Encoding: chunked');

/** Bounds of size and time. */
export const limits: readonly ConformanceCase[] = [
  forwards('RFC 9110 §4.1: a target of 8,000 bytes crosses', request(`GET /${fill(7_999)}`), {
    line: `GET /${fill(7_999)} HTTP/1.1`,
  }),
  refuses(
    'RFC 9110 §15.5.15: a request line beyond its bound is refused with 414',
    request(`GET /${fill(REQUEST_LINE_LIMIT)}`),
    { status: 414 },
  ),
  refuses(
    'RFC 9110 §15.5.15: a request line without end is refused with 414',
    `GET /${fill(2 * HEAD_LIMIT)}`,
    { status: 414 },
  ),
  forwards(
    'RFC 9110 §5.4: a field of 16 KiB crosses',
    request('GET /x', `Cookie: a=${fill(16_384)}`),
    { fields: { cookie: `a=${fill(16_384)}` } },
  ),
  refuses(
    'RFC 6585 §5: a head beyond its bound is refused with 431',
    request('GET /x', `Cookie: a=${fill(HEAD_LIMIT)}`),
    { status: 431 },
  ),
  refuses(
    'RFC 6585 §5: many fields beyond the bound together are refused with 431',
    request('GET /x', ...manyFields(50).map((line) => line + fill(1_000))),
    { status: 431 },
  ),
  refuses(
    'RFC 6585 §5: a field line without end is refused with 431',
    `GET /x HTTP/1.1\r\nHost: a.example\r\nX-A: ${fill(2 * HEAD_LIMIT)}`,
    { status: 431 },
  ),
  forwards('RFC 9110 §5.4: eighty fields cross', request('GET /x', ...manyFields(80)), {
    fields: { 'x-0': 'b', 'x-79': 'b' },
  }),
  refuses(
    'RFC 6585 §5: too many fields are refused with 431',
    request('GET /x', ...manyFields(200)),
    { status: 431 },
  ),
  refuses(
    'RFC 9112 §2.2: empty lines without end before a request are refused',
    '\r\n'.repeat(HEAD_LIMIT),
  ),
  refusesBody(
    'RFC 9112 §7.1.1: chunk extensions without end are refused',
    `${POST_CHUNKED}3;${fill(HEAD_LIMIT)}\r\nabc\r\n0\r\n\r\n`,
    { status: [400, 431] },
  ),
  refusesBody(
    'RFC 9112 §7.1.1: many small chunk extensions together are refused',
    `${POST_CHUNKED}${`1;${fill(200)}\r\na\r\n`.repeat(300)}0\r\n\r\n`,
    { status: [400, 431] },
  ),
  refusesBody(
    'RFC 9112 §7.1.2: trailers without end are refused',
    `${POST_CHUNKED}0\r\n${`X-A: ${fill(1_000)}\r\n`.repeat(50)}\r\n`,
    { status: [400, 431] },
  ),
  relays(
    'RFC 9110 §5.4: a field of a response of 16 KiB crosses',
    `${head('HTTP/1.1 200 OK', 'Content-Length: 2', `X-A: ${fill(16_384)}`)}ok`,
    { status: 200, fields: { 'x-a': fill(16_384) } },
  ),
  rejects(
    'RFC 9110 §5.4: a head of a response beyond its bound is not passed on',
    `${head('HTTP/1.1 200 OK', 'Content-Length: 2', `X-A: ${fill(2 * HEAD_LIMIT)}`)}ok`,
  ),
  rejects(
    'RFC 9110 §5.4: a response of too many fields is not passed on',
    `${head('HTTP/1.1 200 OK', 'Content-Length: 2', ...manyFields(2_000))}ok`,
  ),
  rejects(
    'RFC 9110 §5.4: a status line without end is not passed on',
    `HTTP/1.1 200 ${fill(2 * HEAD_LIMIT)}`,
  ),
  {
    name: 'RFC 9110 §15.5.9: a head that is not finished in time is refused with 408',
    ...PATIENT,
    async play({ client, backend }) {
      client.send('GET /x HTTP/1.1\r\nHost: a.example\r\n');
      await client.response({ status: 408 });
      await client.closed();
      backend.assertUntouched();
    },
  },
  {
    name: 'RFC 9110 §15.5.9: a body that stops coming is refused with 408 and not completed',
    ...PATIENT,
    async play({ client, backend }) {
      client.send(`${request('POST /x', 'Content-Length: 10')}01234`);
      const wire = await backend.connection();
      await wire.shows('01234');
      await client.response({ status: 408 });
      await client.closed();
      await wire.brokenOff();
    },
  },
  {
    name: 'RFC 9112 §9.5: an unused connection is closed in time, without a word',
    ...PATIENT,
    async play(stage) {
      await stage.stillServes(stage.client);
      await stage.client.closed();
    },
  },
  {
    name: 'RFC 9110 §15.6.5: a backend that does not answer in time is told as 504',
    ...PATIENT,
    async play({ client, backend }) {
      client.send(GET);
      const { wire } = await backend.request();
      await client.response({ status: 504 });
      await wire.closed();
      backend.assertUntouched();
    },
  },
  {
    name: 'RFC 9110 §15.6.5: a backend that stops within its head is told as 504',
    ...PATIENT,
    async play({ client, backend }) {
      client.send(GET);
      const { wire } = await backend.request();
      wire.send('HTTP/1.1 200 OK\r\nContent-');
      await client.response({ status: 504 });
      await wire.closed();
    },
  },
  {
    name: 'RFC 9112 §8: a response that stops coming breaks off',
    ...PATIENT,
    async play({ client, backend }) {
      client.send(GET);
      const { wire } = await backend.request();
      wire.send(`${head('HTTP/1.1 200 OK', 'Content-Length: 10')}01234`);
      await client.shows('01234');
      await client.response({ status: 200, complete: false });
      await wire.closed();
    },
  },
  {
    name: 'RFC 9110 §9.2.2: a POST that a backend does not answer in time is not sent again',
    ...PATIENT,
    async play({ client, backend }) {
      client.send(`${request('POST /x', 'Content-Length: 3')}abc`);
      const { wire } = await backend.request({ body: 'abc' });
      await client.response({ status: 504 });
      await wire.closed();
      backend.assertUntouched();
    },
  },
  {
    name: 'RFC 9112 §9.3: a body of a megabyte crosses whole in both directions',
    ...PATIENT,
    async play(stage) {
      const { client, backend } = stage;
      const body = fill(1 << 20);
      client.send(request('POST /x', `Content-Length: ${body.length}`) + body);
      const { wire } = await backend.request({ body });
      wire.send(head('HTTP/1.1 200 OK', `Content-Length: ${body.length}`) + body);
      await client.response({ status: 200, body });
      client.send(GET);
      const again = await backend.request();
      again.wire.send(OK);
      await client.response({ status: 200, body: 'ok' });
    },
  },
];
