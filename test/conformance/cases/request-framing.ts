import { chunked, GET, head, OK, request } from '../bytes.ts';
import type { ConformanceCase } from '../case.ts';
import { forwards, refuses, refusesBody } from '../shapes.ts';

const CHUNKED = 'Transfer-Encoding: chunked';
const post = (...fields: string[]) => request('POST /x', ...fields);

/** Where the body of a request ends: one reading only. */
export const requestFraming: readonly ConformanceCase[] = [
  refuses(
    'RFC 9112 §6.3: Content-Length and Transfer-Encoding together are refused',
    post('Content-Length: 3', CHUNKED) + chunked('abc'),
  ),
  refuses(
    'RFC 9112 §6.3: Transfer-Encoding and Content-Length together are refused',
    post(CHUNKED, 'Content-Length: 3') + chunked('abc'),
  ),
  refuses(
    'RFC 9112 §6.3: unequal Content-Lengths are refused',
    `${post('Content-Length: 3', 'Content-Length: 4')}abcd`,
  ),
  refuses(
    'RFC 9112 §6.3: equal Content-Lengths are refused',
    `${post('Content-Length: 3', 'Content-Length: 3')}abc`,
  ),
  refuses(
    'RFC 9112 §6.3: a list in Content-Length is refused',
    `${post('Content-Length: 3, 3')}abc`,
  ),
  refuses(
    'RFC 9110 §8.6: a Content-Length with a sign is refused',
    `${post('Content-Length: +3')}abc`,
  ),
  refuses(
    'RFC 9110 §8.6: a negative Content-Length is refused',
    `${post('Content-Length: -3')}abc`,
  ),
  refuses(
    'RFC 9110 §8.6: a hexadecimal Content-Length is refused',
    `${post('Content-Length: 0x3')}abc`,
  ),
  refuses(
    'RFC 9110 §8.6: a Content-Length with a fraction is refused',
    `${post('Content-Length: 3.0')}abc`,
  ),
  refuses(
    'RFC 9110 §8.6: a Content-Length with a blank inside is refused',
    `${post('Content-Length: 1 0')}abc`,
  ),
  refuses('RFC 9110 §8.6: an empty Content-Length is refused', `${post('Content-Length:')}abc`),
  refuses(
    'RFC 9110 §8.6: a Content-Length beyond what can be counted is refused',
    `${post('Content-Length: 18446744073709551619')}abc`,
  ),
  refuses(
    'RFC 9112 §6.1: a transfer coding that is not chunked is refused',
    post('Transfer-Encoding: gzip'),
    { status: [400, 501] },
  ),
  refuses(
    'RFC 9112 §6.1: a coding under chunked is refused',
    post('Transfer-Encoding: gzip, chunked') + chunked('abc'),
    { status: [400, 501] },
  ),
  refuses(
    'RFC 9112 §6.1: chunked twice in a list is refused',
    post('Transfer-Encoding: chunked, chunked') + chunked('abc'),
    { status: [400, 501] },
  ),
  refuses(
    'RFC 9112 §6.1: chunked in two fields is refused',
    post(CHUNKED, CHUNKED) + chunked('abc'),
    { status: [400, 501] },
  ),
  refuses(
    'RFC 9112 §6.3: chunked that is not the last coding is refused',
    post('Transfer-Encoding: chunked, identity') + chunked('abc'),
    { status: [400, 501] },
  ),
  refuses(
    'RFC 9112 §6.1: a coding whose name only ends in chunked is refused',
    post('Transfer-Encoding: xchunked') + chunked('abc'),
    { status: [400, 501] },
  ),
  refuses(
    'RFC 9112 §6.1: a coding in quotes is refused',
    post('Transfer-Encoding: "chunked"') + chunked('abc'),
    { status: [400, 501] },
  ),
  refuses(
    'RFC 9112 §6.1: a control byte before chunked is refused',
    post('Transfer-Encoding: \x0bchunked') + chunked('abc'),
    { status: [400, 501] },
  ),
  refuses(
    'RFC 9112 §6.1: an empty Transfer-Encoding is refused',
    post('Transfer-Encoding:') + chunked('abc'),
    { status: [400, 501] },
  ),
  refuses(
    'RFC 9112 §6.1: Transfer-Encoding in a request of HTTP/1.0 is refused',
    head('POST /x HTTP/1.0', 'Host: a.example', CHUNKED) + chunked('abc'),
  ),
  forwards(
    'RFC 9112 §7: the name of the coding is read in any letter case',
    post('Transfer-Encoding: Chunked') + chunked('abc'),
    { body: 'abc' },
  ),
  forwards(
    'RFC 9110 §8.6: a body by Content-Length crosses',
    `${post('Content-Length: 10')}0123456789`,
    { body: '0123456789', framing: 'length' },
  ),
  forwards('RFC 9110 §8.6: a Content-Length of nought means no body', post('Content-Length: 0'), {
    body: '',
    fields: { 'content-length': '0' },
  }),
  forwards('RFC 9112 §6.3: a POST that tells no length has no body', post(), { body: '' }),
  forwards(
    'RFC 9112 §6.3: bytes that look like a request are body where the length says so',
    post(`Content-Length: ${GET.length}`) + GET,
    { body: GET },
  ),
  forwards(
    'RFC 9112 §7.1: a body in chunks crosses',
    post(CHUNKED) + chunked('abc', 'd', 'e'.repeat(300)),
    { body: `abcd${'e'.repeat(300)}` },
  ),
  forwards(
    'RFC 9112 §7.1: sizes in letters of either case and with leading zeros are read',
    `${post(CHUNKED)}00a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n`,
    {
      body: '01234567890123456789a',
    },
  ),
  forwards('RFC 9112 §7.1: a chunked body of nothing crosses', post(CHUNKED) + chunked(), {
    body: '',
  }),
  forwards(
    'RFC 9112 §7.1.1: chunk extensions do no harm',
    `${post(CHUNKED)}3;a=b;c="d"\r\nabc\r\n0;e\r\n\r\n`,
    { body: 'abc' },
  ),
  forwards(
    'RFC 9112 §7.1.2: trailers do no harm',
    `${post(CHUNKED)}3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n`,
    { body: 'abc' },
  ),
  refusesBody(
    'RFC 9112 §7.1: a chunk size that is no number is refused',
    `${post(CHUNKED)}x\r\nabc\r\n0\r\n\r\n`,
  ),
  refusesBody(
    'RFC 9112 §7.1: a negative chunk size is refused',
    `${post(CHUNKED)}-3\r\nabc\r\n0\r\n\r\n`,
  ),
  refusesBody(
    'RFC 9112 §7.1: a chunk size with 0x is refused',
    `${post(CHUNKED)}0x3\r\nabc\r\n0\r\n\r\n`,
  ),
  refusesBody(
    'RFC 9112 §7.1: a blank before a chunk size is refused',
    `${post(CHUNKED)} 3\r\nabc\r\n0\r\n\r\n`,
  ),
  refusesBody(
    'RFC 9112 §7.1: an empty chunk size is refused',
    `${post(CHUNKED)}\r\nabc\r\n0\r\n\r\n`,
  ),
  refusesBody(
    'RFC 9112 §7.1: a chunk size beyond what can be counted is refused',
    `${post(CHUNKED)}10000000000000003\r\nabc\r\n0\r\n\r\n`,
  ),
  refusesBody(
    'RFC 9112 §7.1: a chunk that is longer than its size is refused',
    `${post(CHUNKED)}3\r\nabcd\r\n0\r\n\r\n`,
  ),
  refusesBody(
    'RFC 9112 §7.1: a chunk that ends with a bare LF is refused',
    `${post(CHUNKED)}3\r\nabc\n0\r\n\r\n`,
  ),
  refusesBody(
    'RFC 9112 §7.1: a chunk size that ends with a bare LF is refused',
    `${post(CHUNKED)}3\nabc\r\n0\r\n\r\n`,
  ),
  refusesBody(
    'RFC 9112 §7.1: a chunk size that ends with a bare CR is refused',
    `${post(CHUNKED)}3\rabc\r\n0\r\n\r\n`,
  ),
  refusesBody(
    'RFC 9112 §7.1: a last chunk that ends with a bare LF is refused',
    `${post(CHUNKED)}3\r\nabc\r\n0\n\r\n`,
  ),
  refusesBody(
    'RFC 9112 §7.1.1: a bare LF in a chunk extension is refused',
    `${post(CHUNKED)}3;a\nb\r\nabc\r\n0\r\n\r\n`,
  ),
  refusesBody(
    'RFC 9112 §7.1.1: a NUL in a chunk extension is refused',
    `${post(CHUNKED)}3;a\0b\r\nabc\r\n0\r\n\r\n`,
  ),
  refusesBody(
    'RFC 9112 §7.1.2: a trailer that is no field is refused',
    `${post(CHUNKED)}3\r\nabc\r\n0\r\nX Sum\r\n\r\n`,
  ),
  refusesBody(
    'RFC 9112 §7.1.2: a folded trailer is refused',
    `${post(CHUNKED)}3\r\nabc\r\n0\r\nX-Sum: 1\r\n 2\r\n\r\n`,
  ),
  refusesBody(
    'RFC 9110 §6.5.1: a Content-Length in the trailers is refused',
    `${post(CHUNKED)}3\r\nabc\r\n0\r\nContent-Length: 3\r\n\r\n`,
  ),
  refusesBody(
    'RFC 9110 §6.5.1: a Transfer-Encoding in the trailers is refused',
    `${post(CHUNKED)}3\r\nabc\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n`,
  ),
  refusesBody(
    'RFC 9110 §6.5.1: a Host in the trailers is refused',
    `${post(CHUNKED)}3\r\nabc\r\n0\r\nHost: b.example\r\n\r\n`,
  ),
  {
    name: 'RFC 9112 §7.1: a body that turns unsound after it has begun to cross is broken off',
    async play({ client, backend }) {
      client.send(`${post(CHUNKED)}3\r\nabc\r\n`);
      const wire = await backend.connection();
      await wire.shows('abc');
      client.send('z\r\nabc\r\n0\r\n\r\n');
      await client.response({ status: 400 });
      await client.closed();
      await wire.brokenOff();
    },
  },
  {
    name: 'RFC 9112 §6: a body crosses as it comes, not only when it is whole',
    async play({ client, backend }) {
      client.send(`${post('Content-Length: 10')}01234`);
      const wire = await backend.connection();
      await wire.requestHead({ fields: { 'content-length': '10' } });
      await wire.receives('01234');
      client.send('56789');
      await wire.receives('56789');
      wire.send(OK);
      await client.response({ status: 200, body: 'ok' });
    },
  },
  {
    name: 'RFC 9112 §8: a request whose client vanishes within the body is not completed',
    async play({ client, backend }) {
      client.send(`${post('Content-Length: 10')}01234`);
      const wire = await backend.connection();
      await wire.requestHead();
      await wire.receives('01234');
      client.reset();
      await wire.closed();
    },
  },
  {
    name: 'RFC 9112 §8: a chunked request whose client vanishes is not completed',
    async play({ client, backend }) {
      client.send(`${post(CHUNKED)}5\r\n01234\r\n`);
      const wire = await backend.connection();
      await wire.shows('01234');
      client.reset();
      await wire.brokenOff();
    },
  },
];
