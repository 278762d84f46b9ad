import { chunked, GET, head, request } from '../../../conformance/bytes.ts';
import { type HostileMessage, requests } from '../hostile-message.ts';
import { CHUNKED, post, SMUGGLED } from './smuggled.ts';

const N = SMUGGLED.length;
const EXPECT_2025 = 'Kettle, HTTP/1.1 must die (2025)';
const LERNER = '0ang3el, Websocket smuggling (2019)';
const H2C = 'Miller, h2c smuggling (Bishop Fox, 2020)';
const LIMITS = 'RFC 9112 §3, RFC 9110 §5.4';
const DISCARD = 'CVE-2022-22720 (Apache)';
const BROKEN = head('GET /x HTTP/1.1', 'Host: a.example', 'X-(A): b');
const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';

const upgrade = (protocol: string, ...fields: string[]) =>
  request('GET /x', 'Connection: Upgrade', `Upgrade: ${protocol}`, ...fields);
const websocket = (...fields: string[]) =>
  upgrade('websocket', 'Sec-WebSocket-Version: 13', KEY, ...fields);

/** What is too large, what comes behind an error, what waits, and what is to change the protocol. */
export const connections: readonly HostileMessage[] = [
  ...requests('oversized', [
    ['a request line of 9,000 bytes', LIMITS, request(`GET /${'a'.repeat(9_000)}`)],
    ['a request line of 70,000 bytes', LIMITS, request(`GET /${'a'.repeat(70_000)}`)],
    ['a request line of 8,100 bytes', LIMITS, request(`GET /${'a'.repeat(8_100)}`)],
    ['a field of 31,000 bytes', LIMITS, request('GET /x', `X-A: ${'b'.repeat(31_000)}`)],
    ['a field of 70,000 bytes', LIMITS, request('GET /x', `X-A: ${'b'.repeat(70_000)}`)],
    ['a name of 31,000 bytes', LIMITS, request('GET /x', `${'a'.repeat(31_000)}: b`)],
    [
      '101 fields',
      LIMITS,
      request('GET /x', ...Array.from({ length: 101 }, (_, i) => `X-${i}: b`)),
    ],
    [
      '2,000 fields',
      LIMITS,
      request('GET /x', ...Array.from({ length: 2_000 }, (_, i) => `X-${i}: b`)),
    ],
    [
      'a field of 70,000 bytes before the length',
      LIMITS,
      `${post(`X-A: ${'b'.repeat(70_000)}`, `Content-Length: ${N}`)}${SMUGGLED}`,
    ],
    ['a Cookie of 20,000 bytes', LIMITS, request('GET /x', `Cookie: a=${'b'.repeat(20_000)}`)],
    [
      'a head that fills a buffer exactly',
      LIMITS,
      request('GET /x', `X-A: ${'b'.repeat(16_384 - 46)}`),
    ],
    ['one byte more than that', LIMITS, request('GET /x', `X-A: ${'b'.repeat(16_384 - 45)}`)],
    ['blanks without end before a value', LIMITS, request('GET /x', `X-A:${' '.repeat(40_000)}b`)],
    ['empty lines without end', LIMITS, `${'\r\n'.repeat(20_000)}${GET}`],
    [
      '3,000 chunks of one byte',
      'RFC 9112 §7.1',
      `${post(CHUNKED)}${chunked(...'a'.repeat(3_000))}`,
    ],
    ['300 requests at once', 'RFC 9112 §9.3.2', GET.repeat(300)],
  ]),
  ...requests('after an error, Expect, pipelines', [
    ['a request behind one that is refused', DISCARD, `${BROKEN}${SMUGGLED}`],
    [
      'a request behind a refused body',
      DISCARD,
      `${post(CHUNKED)}zz\r\nabc\r\n0\r\n\r\n${SMUGGLED}`,
    ],
    [
      'a request in the body of one that is refused',
      DISCARD,
      `${post(`Content-Length: ${N}`, 'X-(A): b')}${SMUGGLED}`,
    ],
    [
      'a request behind a length that is refused',
      DISCARD,
      `${post('Content-Length: x')}${SMUGGLED}`,
    ],
    [
      'a request behind a version that is refused',
      DISCARD,
      `${head('GET /x HTTP/3.0', 'Host: a.example')}${SMUGGLED}`,
    ],
    [
      'a request behind one too long',
      'CVE-2019-20372 (nginx)',
      `${request(`GET /${'a'.repeat(9_000)}`)}${SMUGGLED}`,
    ],
    ['a request behind one without Host', DISCARD, `${head('GET /x HTTP/1.1')}${SMUGGLED}`],
    [
      'a request behind one that says close',
      'RFC 9112 §9.6',
      `${request('GET /x', 'Connection: close')}${SMUGGLED}`,
    ],
    ['a good request before a broken one', 'RFC 9112 §9.3.2', `${GET}${BROKEN}`],
    ['two requests at once', 'RFC 9112 §9.3.2', `${GET}${SMUGGLED}`],
    [
      'a POST and a request at once',
      'RFC 9112 §9.3.2',
      `${post('Content-Length: 3')}abc${SMUGGLED}`,
    ],
    [
      'an empty line behind a body',
      'RFC 9112 §2.2',
      `${post('Content-Length: 3')}abc\r\n${SMUGGLED}`,
    ],
    [
      'an expectation, and the body at once',
      'RFC 9110 §10.1.1',
      `${post('Expect: 100-continue', `Content-Length: ${N}`)}${SMUGGLED}`,
    ],
    [
      'an expectation in a GET',
      EXPECT_2025,
      `${request('GET /x', 'Expect: 100-continue', `Content-Length: ${N}`)}${SMUGGLED}`,
    ],
    ['an expectation without a body', EXPECT_2025, request('GET /x', 'Expect: 100-continue')],
    [
      'an expectation in disguise',
      EXPECT_2025,
      `${post('Expect: y 100-continue', `Content-Length: ${N}`)}${SMUGGLED}`,
    ],
    [
      'an expectation that begins with a line end',
      EXPECT_2025,
      `${post('Expect: 100-continue\n', `Content-Length: ${N}`)}${SMUGGLED}`,
    ],
    [
      'an expectation twice',
      EXPECT_2025,
      `${post('Expect: 100-continue', 'Expect: 100-continue', `Content-Length: ${N}`)}${SMUGGLED}`,
    ],
    [
      'an expectation that nobody knows',
      'RFC 9110 §10.1.1',
      `${post('Expect: 200-ok', `Content-Length: ${N}`)}${SMUGGLED}`,
    ],
    [
      'an expectation that is empty',
      EXPECT_2025,
      `${post('Expect:', `Content-Length: ${N}`)}${SMUGGLED}`,
    ],
    [
      'an expectation with chunks',
      EXPECT_2025,
      `${post('Expect: 100-continue', CHUNKED)}${chunked(SMUGGLED)}`,
    ],
    [
      'an expectation in HTTP/1.0',
      'RFC 9110 §10.1.1',
      `${post('Expect: 100-continue', `Content-Length: ${N}`).replace('HTTP/1.1', 'HTTP/1.0')}${SMUGGLED}`,
    ],
    [
      'an expectation in a HEAD',
      EXPECT_2025,
      `${request('HEAD /x', 'Expect: 100-continue', `Content-Length: ${N}`)}${SMUGGLED}`,
    ],
    [
      'an answer in place of a request',
      'Klein, Divide and Conquer (2004)',
      head('HTTP/1.1 200 OK', 'Content-Length: 0'),
    ],
    ['an interim answer in place of a request', 'RFC 9110 §15.2', head('HTTP/1.1 100 Continue')],
  ]),
  ...requests('upgrades', [
    ['h2c', H2C, upgrade('h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__')],
    [
      'h2c, with its settings named',
      H2C,
      request(
        'GET /x',
        'Connection: Upgrade, HTTP2-Settings',
        'Upgrade: h2c',
        'HTTP2-Settings: AAMAAABkAAQAAP__',
      ),
    ],
    [
      'h2c with a body',
      H2C,
      `${request('POST /x', 'Connection: Upgrade', 'Upgrade: h2c', `Content-Length: ${N}`)}${SMUGGLED}`,
    ],
    ['h2c after websocket', H2C, upgrade('websocket, h2c')],
    ['websocket after h2c', H2C, upgrade('h2c, websocket')],
    ['h2c in a field of its own', H2C, websocket('Upgrade: h2c')],
    [
      'h2c that Connection does not name',
      H2C,
      request('GET /x', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'),
    ],
    ['h2', H2C, upgrade('h2')],
    ['TLS', 'RFC 2817 §3.1', upgrade('TLS/1.0')],
    ['a protocol that nobody knows', 'RFC 9110 §7.8', upgrade('evil/1.0')],
    ['an empty Upgrade', 'RFC 9110 §7.8', upgrade('')],
    [
      'a websocket with a body',
      LERNER,
      `${request('GET /x', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', KEY, `Content-Length: ${N}`)}${SMUGGLED}`,
    ],
    ['a websocket with a body in chunks', LERNER, `${websocket(CHUNKED)}${chunked(SMUGGLED)}`],
    [
      'a websocket of a version that nobody knows',
      LERNER,
      upgrade('websocket', 'Sec-WebSocket-Version: 777', KEY),
    ],
    ['a websocket without a key', LERNER, upgrade('websocket', 'Sec-WebSocket-Version: 13')],
    ['a websocket that the backend refuses, and a request', LERNER, `${websocket()}${SMUGGLED}`],
    ['a websocket by POST', LERNER, websocket().replace('GET', 'POST')],
    ['a websocket in HTTP/1.0', 'RFC 9110 §7.8', websocket().replace('HTTP/1.1', 'HTTP/1.0')],
    [
      'a websocket in letters of both cases',
      'RFC 6455 §4.2.1',
      upgrade('WebSocket', 'Sec-WebSocket-Version: 13', KEY),
    ],
    ['a websocket in disguise', LERNER, upgrade('websocket\x0b', 'Sec-WebSocket-Version: 13', KEY)],
    [
      'a websocket with something behind it',
      LERNER,
      upgrade('websocket/13', 'Sec-WebSocket-Version: 13', KEY),
    ],
    [
      'a websocket that Connection does not name',
      'RFC 9110 §7.8',
      request('GET /x', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', KEY),
    ],
  ]),
];
