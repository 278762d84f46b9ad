import { chunked, request, response } from '../bytes.ts';
import type { ConformanceCase } from '../case.ts';
import { forwards, relays } from '../shapes.ts';

/** What is meant for the next hop alone, and what a proxy says of itself. */
export const forwarding: readonly ConformanceCase[] = [
  forwards(
    'RFC 9110 §7.6.1: a field that Connection names does not cross',
    request('GET /x', 'Connection: X-Hop', 'X-Hop: 1', 'X-End: 2'),
    {
      fields: { 'x-hop': null, 'x-end': '2' },
    },
  ),
  forwards(
    'RFC 9110 §7.6.1: fields that Connection names are found in any letter case and among blanks',
    request('GET /x', 'Connection: x-HOP ,\tX-Other,keep-alive', 'X-Hop: 1', 'x-other: 2'),
    {
      fields: { 'x-hop': null, 'x-other': null },
    },
  ),
  forwards(
    'RFC 9110 §7.6.1: fields named before the field that names them do not cross',
    request('GET /x', 'X-Hop: 1', 'Connection: x-hop'),
    {
      fields: { 'x-hop': null },
    },
  ),
  forwards(
    'RFC 9110 §7.6.1: a field of several lines that Connection names does not cross at all',
    request('GET /x', 'X-Hop: 1', 'Connection: x-hop', 'X-Hop: 2'),
    {
      fields: { 'x-hop': null },
    },
  ),
  forwards(
    'RFC 9110 §7.6.1: Connection cannot name away the length of a body',
    `${request('POST /x', 'Connection: Content-Length', 'Content-Length: 3')}abc`,
    { body: 'abc' },
  ),
  forwards(
    'RFC 9110 §7.6.1: Connection cannot name away the coding of a body',
    request('POST /x', 'Connection: Transfer-Encoding', 'Transfer-Encoding: chunked') +
      chunked('abc'),
    { body: 'abc' },
  ),
  forwards(
    'RFC 9110 §7.6.1: Connection cannot name away Host',
    request('GET /x', 'Connection: Host'),
    { fields: { host: 'a.example' } },
  ),
  forwards(
    'RFC 9110 §7.6.1: Keep-Alive does not cross',
    request('GET /x', 'Connection: keep-alive, Keep-Alive', 'Keep-Alive: timeout=5'),
    { fields: { 'keep-alive': null } },
  ),
  forwards(
    'RFC 9110 §7.6.1: Keep-Alive does not cross even where Connection does not name it',
    request('GET /x', 'Keep-Alive: timeout=5'),
    { fields: { 'keep-alive': null } },
  ),
  forwards(
    'RFC 9110 §7.6.1: Proxy-Connection does not cross',
    request('GET /x', 'Proxy-Connection: keep-alive'),
    { fields: { 'proxy-connection': null } },
  ),
  forwards(
    'RFC 9110 §10.1.4: TE does not cross',
    request('GET /x', 'Connection: TE', 'TE: trailers, deflate;q=0.5'),
    { fields: { te: null } },
  ),
  forwards(
    'RFC 9110 §7.8: Upgrade does not cross where Connection does not name it',
    request('GET /x', 'Upgrade: websocket'),
    { fields: { upgrade: null } },
  ),
  forwards(
    'RFC 9110 §7.6.1: Connection never crosses with what the client put into it',
    request('GET /x', 'Connection: x-secret'),
    {
      lacks: { connection: 'x-secret' },
    },
  ),
  forwards(
    'RFC 9110 §7.6.3: the Via of others crosses, and the proxy adds none',
    request('GET /x', 'Via: 1.1 outer'),
    { fields: { via: '1.1 outer' } },
  ),
  forwards(
    'RFC 7239 §8.1: a client cannot forge where it comes from',
    request(
      'GET /x',
      'X-Forwarded-For: 6.6.6.6',
      'X-Forwarded-Proto: gopher',
      'Forwarded: for=6.6.6.6',
    ),
    {
      fields: { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': /^https?$/, forwarded: null },
    },
  ),
  relays(
    'RFC 9110 §7.6.1: a field of a response that Connection names does not cross',
    response('200 OK', 'ok', 'Connection: X-Hop', 'X-Hop: 1', 'X-End: 2'),
    {
      status: 200,
      fields: { 'x-hop': null, 'x-end': '2' },
    },
  ),
  relays(
    'RFC 9110 §7.6.1: Keep-Alive of a response does not cross',
    response('200 OK', 'ok', 'Connection: keep-alive', 'Keep-Alive: timeout=99'),
    {
      status: 200,
      lacks: { 'keep-alive': 'timeout=99' },
    },
  ),
  relays(
    'RFC 9110 §7.6.1: Proxy-Connection of a response does not cross',
    response('200 OK', 'ok', 'Proxy-Connection: close'),
    {
      status: 200,
      fields: { 'proxy-connection': null },
    },
  ),
  relays(
    'RFC 9110 §7.6.1: Connection of a response cannot name away its length',
    response('200 OK', 'ok', 'Connection: Content-Length'),
    { status: 200, body: 'ok' },
  ),
  relays(
    'RFC 9110 §7.8: an Upgrade that a response merely offers does not cross',
    response('200 OK', 'ok', 'Connection: Upgrade', 'Upgrade: h2c'),
    {
      status: 200,
      fields: { upgrade: null },
      lacks: { connection: 'pgrade' },
    },
  ),
  relays(
    'RFC 9110 §10.2.4: the Server of a backend crosses',
    response('200 OK', 'ok', 'Server: Backend/1.0'),
    { status: 200, fields: { server: 'Backend/1.0' } },
  ),
  relays(
    'RFC 9110 §6.6.1: the Date of a backend crosses',
    response('200 OK', 'ok', 'Date: Tue, 15 Nov 1994 08:12:31 GMT'),
    {
      status: 200,
      fields: { date: 'Tue, 15 Nov 1994 08:12:31 GMT' },
    },
  ),
];
