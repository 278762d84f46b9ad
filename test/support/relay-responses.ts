import { CHUNKED, UNTIL_CLOSE } from '../../src/relay/head.ts';
import { endOfHead, type Refused } from './relay-head.ts';

const ok = (...fields: string[]) => `HTTP/1.1 200 OK\r\n${endOfHead(fields)}`;

/** Heads of responses that are refused. */
export const REFUSED_RESPONSES: readonly Refused[] = [
  ['a bare LF after the status line', 'HTTP/1.1 200 OK\nA: b\r\n\r\n', 400, /LF/],
  ['a bare LF after a header', 'HTTP/1.1 200 OK\r\nA: b\n\r\n', 400, /LF/],
  ['a bare CR', ok('A: b\rc'), 400, /CR/],
  ['an empty line before it', `\r\n${ok()}`, 400, /not HTTP/],
  ['a folded line', ok('A: b', ' c'), 400, /begins with a blank/],
  ['a blank before the colon', ok('A : b'), 400, /blank/],
  ['no HTTP at all', 'SSH-2.0-OpenSSH_9.2\r\n', 400, /not HTTP/],
  ['something that is shorter', 'OK\r\n', 400, /not HTTP/],
  ['HTTP/2', 'HTTP/2.0 200 OK\r\n\r\n', 505, /HTTP\/1/],
  ['a version without a minor one', 'HTTP/2 200 OK\r\n\r\n', 400, /not HTTP/],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n', 400, /three digits/],
  ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n', 400, /three digits/],
  ['no blank before the status', 'HTTP/1.1-200 OK\r\n\r\n', 400, /three digits/],
  ['a status that is no number', 'HTTP/1.1 2x0 OK\r\n\r\n', 400, /three digits/],
  ['a status below 100', 'HTTP/1.1 099 OK\r\n\r\n', 400, /below 100/],
  ['two blanks before the status', 'HTTP/1.1  200 OK\r\n\r\n', 400, /three digits/],
  ['a control character in the reason', 'HTTP/1.1 200 O\x01K\r\n\r\n', 400, /control/],
  ['both framings', ok('Content-Length: 3', 'Transfer-Encoding: chunked'), 400, /both/],
  ['two lengths', ok('Content-Length: 3', 'Content-Length: 3'), 400, /repeated/],
  ['a coding but chunked', ok('Transfer-Encoding: gzip, chunked'), 400, /exactly/],
  [
    'chunked in HTTP/1.0',
    'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    400,
    /HTTP\/1\.0/,
  ],
  ['a status line too long', `HTTP/1.1 200 ${'a'.repeat(8192)}\r\n\r\n`, 414, /too long/],
  ['too many headers', ok(...Array.from({ length: 101 }, () => 'A: b')), 431, /too many/],
  ['a value too large', ok(`A: ${'b'.repeat(32_768)}`), 431, /too large/],
];

/** Heads of responses that are read: to a request of this method, with what follows them. */
export const RESPONSES: readonly (readonly [
  why: string,
  method: string,
  text: string,
  head: object,
  rest?: string,
])[] = [
  [
    'a body of a length',
    'GET',
    `${ok('Content-Length: 3')}abc`,
    { status: 200, reason: 'OK', minor: 1, bodyLength: 3, keepAlive: true, upgrade: '' },
    'abc',
  ],
  [
    'a body in chunks',
    'GET',
    `${ok('Transfer-Encoding: chunked')}0\r\n\r\n`,
    { bodyLength: CHUNKED, keepAlive: true },
    '0\r\n\r\n',
  ],
  [
    'a body that lasts until the end',
    'GET',
    `${ok('A: b')}abc`,
    { bodyLength: UNTIL_CLOSE, keepAlive: false },
    'abc',
  ],
  ['no header at all', 'GET', 'HTTP/1.1 200 OK\r\n\r\n', { bodyLength: UNTIL_CLOSE }],
  ['an answer to HEAD', 'HEAD', ok('Content-Length: 3'), { bodyLength: 0, keepAlive: true }],
  ['an answer to HEAD without a length', 'HEAD', ok('A: b'), { bodyLength: 0, keepAlive: true }],
  [
    '204',
    'GET',
    'HTTP/1.1 204 No Content\r\n\r\n',
    { status: 204, bodyLength: 0, keepAlive: true },
  ],
  [
    '204 that announces a body',
    'GET',
    'HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc',
    { bodyLength: 0, keepAlive: false },
    'abc',
  ],
  [
    '204 that announces chunks',
    'GET',
    'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n',
    { bodyLength: 0, keepAlive: false },
  ],
  [
    '204 that announces no body',
    'GET',
    'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n',
    { bodyLength: 0, keepAlive: true },
  ],
  [
    '304 with the length of another',
    'GET',
    'HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n',
    { bodyLength: 0, keepAlive: true },
  ],
  [
    '100 and what follows',
    'POST',
    `HTTP/1.1 100 Continue\r\n\r\n${ok()}`,
    { status: 100, bodyLength: 0, keepAlive: true },
    ok(),
  ],
  [
    '101',
    'GET',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81',
    { status: 101, bodyLength: 0, upgrade: 'websocket' },
    '\x81',
  ],
  [
    'a backend that leaves',
    'GET',
    ok('Connection: close', 'Content-Length: 0'),
    { keepAlive: false },
  ],
  [
    'HTTP/1.0',
    'GET',
    'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n',
    { minor: 0, keepAlive: false },
  ],
  [
    'HTTP/1.0 that stays',
    'GET',
    'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n',
    { minor: 0, keepAlive: true },
  ],
  ['an empty reason', 'GET', 'HTTP/1.1 200 \r\n\r\n', { status: 200, reason: '' }],
  ['no reason', 'GET', 'HTTP/1.1 200\r\n\r\n', { status: 200, reason: '' }],
  [
    'a reason outside ASCII',
    'GET',
    'HTTP/1.1 404 Pas trouv\xe9\t!\r\n\r\n',
    { status: 404, reason: 'Pas trouv\xe9\t!' },
  ],
  ['a status of nobody', 'GET', 'HTTP/1.1 999 X\r\n\r\n', { status: 999 }],
];
