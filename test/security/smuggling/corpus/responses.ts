import { chunked, head, OK, request, response } from '../../../conformance/bytes.ts';
import { answers, type HostileMessage } from '../hostile-message.ts';

const CHUNKED = 'Transfer-Encoding: chunked';
const KLEIN = 'Klein, Divide and Conquer (2004)';
const QUEUE = 'Kettle, HTTP/2: The Sequel is Always Worse (2021)';
const KETTLE = 'Kettle, HTTP Desync Attacks (2019)';
const SWITCH = '0ang3el, Websocket smuggling (2019)';
const FUNKY = 'Weikop, Funky Chunks (2025)';
const EVIL = response('200 OK', 'evil');
const E = EVIL.length;
const HEAD_REQUEST = request('HEAD /x');
const WEBSOCKET = request(
  'GET /x',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
);
const H2C = request(
  'GET /x',
  'Connection: Upgrade, HTTP2-Settings',
  'Upgrade: h2c',
  'HTTP2-Settings: AAMAAABkAAQAAP__',
);

const ok = (...fields: string[]) => head('HTTP/1.1 200 OK', ...fields);
const chunks = (body: string) => `${ok(CHUNKED)}${body}`;
const switching = (...fields: string[]) => head('HTTP/1.1 101 Switching Protocols', ...fields);

/** What a hostile or broken backend answers. */
export const responses: readonly HostileMessage[] = [
  ...answers('responses: framing', [
    [
      'both framings, the length hiding an answer',
      'RFC 9112 §6.3',
      `${ok(`Content-Length: ${E + 5}`, CHUNKED)}0\r\n\r\n${EVIL}`,
    ],
    [
      'both framings, the chunks hiding an answer',
      'RFC 9112 §6.3',
      `${ok(CHUNKED, 'Content-Length: 4')}${chunked(EVIL)}`,
    ],
    ['two lengths', 'RFC 9112 §6.3', `${ok('Content-Length: 0', `Content-Length: ${E}`)}${EVIL}`],
    [
      'two equal lengths',
      'RFC 9112 §6.3',
      `${ok(`Content-Length: ${E}`, `Content-Length: ${E}`)}${EVIL}`,
    ],
    ['a list of lengths', 'RFC 9110 §8.6', `${ok(`Content-Length: 0, ${E}`)}${EVIL}`],
    ['a signed length', 'RFC 9110 §8.6', `${ok(`Content-Length: +${E}`)}${EVIL}`],
    ['a negative length', 'RFC 9110 §8.6', `${ok('Content-Length: -1')}${EVIL}`],
    [
      'a hexadecimal length',
      'RFC 9110 §8.6',
      `${ok(`Content-Length: 0x${E.toString(16)}`)}${EVIL}`,
    ],
    ['a length with a nought before it', 'RFC 9110 §8.6', `${ok(`Content-Length: 0${E}`)}${EVIL}`],
    ['an empty length', 'CVE-2023-40225 (HAProxy)', `${ok('Content-Length:')}${EVIL}`],
    [
      'a length beyond 64 bits',
      'RFC 9110 §8.6',
      `${ok(`Content-Length: ${2n ** 64n + BigInt(E)}`)}${EVIL}`,
    ],
    [
      'a length with a blank before its colon',
      'RFC 9112 §5.1',
      `${ok(`Content-Length : ${E}`)}${EVIL}`,
    ],
    ['a length with an underscore', KETTLE, `${ok('Content-Length: 0', `Content_Length: ${E}`)}`],
    [
      'chunked with a blank before its colon',
      'RFC 9112 §5.1',
      `${ok('Transfer-Encoding : chunked')}${chunked(EVIL)}`,
    ],
    [
      'chunked with a control byte',
      'CVE-2019-18277 (HAProxy)',
      `${ok('Transfer-Encoding: \x0bchunked')}${chunked(EVIL)}`,
    ],
    [
      'chunked in letters of both cases',
      'RFC 9112 §7',
      `${ok('Transfer-Encoding: Chunked')}${chunked(EVIL)}`,
    ],
    ['chunked in quotes', KETTLE, `${ok('Transfer-Encoding: "chunked"')}${chunked(EVIL)}`],
    ['chunked twice', 'RFC 9112 §6.1', `${ok(CHUNKED, CHUNKED)}${chunked(EVIL)}`],
    [
      'chunked before identity',
      'RFC 9112 §6.1',
      `${ok('Transfer-Encoding: chunked, identity')}${chunked(EVIL)}`,
    ],
    [
      'gzip under chunked',
      'RFC 9112 §6.1',
      `${ok('Transfer-Encoding: gzip, chunked')}${chunked(EVIL)}`,
    ],
    [
      'chunked on a folded line',
      'RFC 9112 §5.2',
      `${ok('Transfer-Encoding:\r\n chunked')}${chunked(EVIL)}`,
    ],
    ['chunked behind a bare LF', 'RFC 9112 §2.2', `${ok(`X-A: b\n${CHUNKED}`)}${chunked(EVIL)}`],
    ['chunked behind a bare CR', 'RFC 9112 §2.2', `${ok(`X-A: b\r${CHUNKED}`)}${chunked(EVIL)}`],
    [
      'chunked with an underscore',
      KETTLE,
      `${ok('Transfer_Encoding: chunked', 'Content-Length: 5')}0\r\n\r\n`,
    ],
    ['chunked in HTTP/1.0', 'RFC 9112 §6.1', `${head('HTTP/1.0 200 OK', CHUNKED)}${chunked(EVIL)}`],
    [
      'a chunk size with 0x',
      'RFC 9112 §7.1',
      chunks(`0x${E.toString(16)}\r\n${EVIL}\r\n0\r\n\r\n`),
    ],
    [
      'a chunk size beyond 64 bits',
      'RFC 9112 §7.1',
      chunks(`1${E.toString(16).padStart(16, '0')}\r\n${EVIL}\r\n0\r\n\r\n`),
    ],
    [
      'a negative chunk size',
      'RFC 9112 §7.1',
      chunks(`-${E.toString(16)}\r\n${EVIL}\r\n0\r\n\r\n`),
    ],
    [
      'a bare LF in a chunk extension',
      FUNKY,
      chunks(`2;\nxx\r\n5\r\n0\r\n\r\n\r\n0\r\n\r\n${EVIL}`),
    ],
    ['a bare LF after a chunk size', FUNKY, chunks(`${E.toString(16)}\n${EVIL}\r\n0\r\n\r\n`)],
    ['a chunk that ends in any two bytes', FUNKY, chunks(`3\r\nabcXX0\r\n\r\n${EVIL}`)],
    ['a chunk that ends in a bare LF', FUNKY, chunks('3\r\nabc\n0\r\n\r\n')],
    ['a last chunk that ends in a bare LF', FUNKY, chunks('3\r\nabc\r\n0\n\n')],
    ['an answer in the trailers', 'RFC 9112 §7.1.2', chunks(`3\r\nabc\r\n0\r\n${EVIL}`)],
    [
      'a Content-Length in the trailers',
      'RFC 9110 §6.5.1',
      chunks('3\r\nabc\r\n0\r\nContent-Length: 9\r\n\r\n'),
    ],
    ['a body that breaks off', 'RFC 9112 §8', `${ok('Content-Length: 50')}abc`, { ends: true }],
    ['chunks that break off', 'RFC 9112 §8', chunks('3\r\nabc\r\n'), { ends: true }],
    ['a body without a length', 'RFC 9112 §6.3', `${ok('Connection: close')}abc`, { ends: true }],
    [
      'an answer in a body without a length',
      'RFC 9112 §6.3',
      `${ok('Connection: close')}${EVIL}`,
      { ends: true },
    ],
  ]),
  ...answers('responses: splitting, 1xx, faked 101', [
    ['a second answer behind the first', QUEUE, `${OK}${EVIL}`],
    [
      'a second answer behind one without a body',
      QUEUE,
      `${head('HTTP/1.1 204 No Content')}${EVIL}`,
    ],
    [
      'a body behind 204',
      'RFC 9112 §6.3',
      `${head('HTTP/1.1 204 No Content', `Content-Length: ${E}`)}${EVIL}`,
    ],
    [
      'chunks behind 204',
      'RFC 9112 §6.1',
      `${head('HTTP/1.1 204 No Content', CHUNKED)}${chunked(EVIL)}`,
    ],
    [
      'a body behind 304',
      'RFC 9112 §6.3',
      `${head('HTTP/1.1 304 Not Modified', `Content-Length: ${E}`)}${EVIL}`,
    ],
    [
      'a body behind HEAD',
      'RFC 9112 §6.3',
      `${ok(`Content-Length: ${E}`)}${EVIL}`,
      { request: HEAD_REQUEST },
    ],
    [
      'chunks behind HEAD',
      'RFC 9112 §6.3',
      `${ok(CHUNKED)}${chunked(EVIL)}`,
      { request: HEAD_REQUEST },
    ],
    ['an answer in a field, after a bare LF', KLEIN, `${ok(`X-A: b\n\n${EVIL}`)}`],
    ['an answer in a field, after a bare CR', KLEIN, `${ok(`X-A: b\r\r${EVIL}`)}`],
    [
      'a field in a field, after a bare LF',
      KLEIN,
      response('200 OK', 'ok', 'X-A: b\nSet-Cookie: a=b'),
    ],
    [
      'a field in a field, after a bare CR',
      KLEIN,
      response('200 OK', 'ok', 'X-A: b\rSet-Cookie: a=b'),
    ],
    ['NUL in a field', 'CVE-2022-37436 (Apache)', response('200 OK', 'ok', 'X-A: b\0c')],
    ['a line without a colon', 'CVE-2022-37436 (Apache)', response('200 OK', 'ok', 'X-A')],
    ['an empty field name', 'CVE-2023-25725 (HAProxy)', response('200 OK', 'ok', ': b')],
    ['a control byte in a name', 'CVE-2023-27522 (Apache)', response('200 OK', 'ok', 'X-\x01A: b')],
    ['a folded field', 'RFC 9112 §5.2', response('200 OK', 'ok', 'X-A: b\r\n c')],
    ['LF for all line ends', 'RFC 9112 §2.2', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok'],
    ['LF for the empty line', 'RFC 9112 §2.2', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\nok'],
    ['a bare CR in the reason', KLEIN, `HTTP/1.1 200 O\rK\r\nContent-Length: 2\r\n\r\nok`],
    ['a bare LF in the reason', KLEIN, `HTTP/1.1 200 O\nX-A: b\r\nContent-Length: 2\r\n\r\nok`],
    ['no status', 'RFC 9112 §4', 'HTTP/1.1\r\nContent-Length: 2\r\n\r\nok'],
    ['a status of two digits', 'RFC 9112 §4', response('20 OK', 'ok')],
    ['a status of four digits', 'RFC 9112 §4', response('2000 OK', 'ok')],
    ['a status of 099', 'RFC 9110 §15', response('099 No', 'ok')],
    ['HTTP/0.9', 'CVE-2017-7656 (Jetty)', '<html>ok</html>', { ends: true }],
    ['HTTP/2.0', 'RFC 9110 §15.6.6', 'HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    ['ICY', 'RFC 9112 §4', 'ICY 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    ['a blank line before it', 'RFC 9112 §2.2', `\r\n${OK}`],
    ['a head without end', 'RFC 9112 §4', ok(`X-A: ${'b'.repeat(100_000)}`)],
    [
      '100 Continue with a length',
      'RFC 9110 §15.2',
      `${head('HTTP/1.1 100 Continue', `Content-Length: ${E}`)}${EVIL}`,
    ],
    ['100 Continue in chunks', 'RFC 9112 §6.1', `${head('HTTP/1.1 100 Continue', CHUNKED)}${OK}`],
    [
      '103 with a length',
      'RFC 8297 §2',
      `${head('HTTP/1.1 103 Early Hints', `Content-Length: ${E}`)}${EVIL}`,
    ],
    [
      '101 interim answers',
      'RFC 9110 §15.2',
      `${head('HTTP/1.1 102 Processing').repeat(101)}${OK}`,
    ],
    [
      'a folded interim answer',
      'RFC 9112 §5.2',
      `${head('HTTP/1.1 103 Early Hints', 'Link: </a>\r\n b')}${OK}`,
    ],
    [
      'an interim answer after the answer',
      'RFC 9110 §15.2',
      `${OK}${head('HTTP/1.1 100 Continue')}`,
    ],
    [
      '101 that nobody asked for',
      'RFC 9110 §15.2.2',
      switching('Upgrade: websocket', 'Connection: Upgrade'),
    ],
    ['101 without an Upgrade', SWITCH, switching()],
    [
      '101 with a length',
      SWITCH,
      `${switching('Upgrade: websocket', 'Connection: Upgrade', 'Content-Length: 0')}${OK}`,
    ],
    [
      '101 to a websocket with a wrong key',
      SWITCH,
      switching('Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Accept: wrong'),
      { request: WEBSOCKET },
    ],
    ['101 to a websocket without its fields', SWITCH, switching(), { request: WEBSOCKET }],
    [
      '101 to another protocol',
      SWITCH,
      switching('Upgrade: h2c', 'Connection: Upgrade'),
      { request: WEBSOCKET },
    ],
    [
      '101 to h2c',
      'Miller, h2c smuggling (Bishop Fox, 2020)',
      switching('Upgrade: h2c', 'Connection: Upgrade'),
      { request: H2C },
    ],
    [
      '426 to a websocket',
      SWITCH,
      `${head('HTTP/1.1 426 Upgrade Required', 'Sec-WebSocket-Version: 13', 'Content-Length: 0')}`,
      { request: WEBSOCKET },
    ],
    [
      '200 that looks like a switch',
      SWITCH,
      response('200 OK', 'ok', 'Upgrade: websocket', 'Connection: Upgrade'),
      { request: WEBSOCKET },
    ],
  ]),
];
