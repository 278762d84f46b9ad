import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { describe, test } from 'node:test';
import { type Peer, requestHeaders, upgradeHeaders } from '../../src/policy/forwarded.ts';
import { parseNetworks } from '../../src/policy/networks.ts';
import { applyResponsePolicy } from '../../src/policy/response.ts';
import type { HeaderLines } from '../../src/relay/header-lines.ts';
import {
  ForwardedLines,
  type ResponseOptions,
  requestHead,
  responseHead,
} from '../../src/relay/outgoing-head.ts';
import { RequestParser } from '../../src/relay/request-parser.ts';
import { ResponseParser } from '../../src/relay/response-parser.ts';

const peer: Peer = { address: '192.0.2.7', proxies: undefined, scheme: 'https', requestId: 'r-1' };
const PROXIES = parseNetworks(['192.0.2.0/24', '10.0.0.0/8']);
const site = { host: 'vip', secure: true, backends: new Set(['c1:8001']) };
const options: ResponseOptions = {
  site,
  method: 'GET',
  minor: 1,
  keepAlive: true,
  requestId: 'r-1',
  chunks: false,
  hsts: undefined,
  affinity: undefined,
  asked: undefined,
  served: 'c1',
};

const head = (...lines: string[]) => Buffer.from([...lines, '', ''].join('\r\n'), 'latin1');

/** Header lines as Node hands them to the middleware door. */
function nodeHeaders(lines: HeaderLines): IncomingHttpHeaders {
  const headers: IncomingHttpHeaders = {};
  for (let line = 0; line < lines.count; line += 1) {
    const name = lines.name(line).toLowerCase();
    if (name === 'set-cookie') headers[name] = [...(headers[name] ?? []), lines.valueAt(line)];
    else headers[name] = lines.value(name);
  }
  return headers;
}

describe('both doors forward the same', () => {
  const requests: [why: string, lines: string[]][] = [
    ['a plain request', ['Host: vip', 'Accept: */*', 'Cookie: a=1']],
    [
      'forwarding headers',
      [
        'Host: vip:8443',
        'X-Forwarded-For: 198.51.100.1',
        'x-forwarded-for: 10.0.0.1',
        'X-Forwarded-Proto: http',
        'X-Forwarded-Host: public.example',
        'X-Forwarded-Port: 80',
        'X-Forwarded-Scheme: http',
        'X-Forwarded-Ssl: off',
        'X-Forwarded-Server: x',
        'X-Forwarded-Prefix: /x',
        'X-Real-IP: 6.6.6.6',
        'X-Request-ID: theirs',
        'Forwarded: for=6.6.6.6',
      ],
    ],
    ['two schemes', ['Host: vip', 'X-Forwarded-Proto: http, https', 'X-Forwarded-For:  ']],
    ['names that WSGI folds', ['Host: vip', 'X_Forwarded_Proto: http', 'X-Real_IP: 1', 'A_b: 1']],
    ['hop-by-hop headers', ['Host: vip', 'Connection: close, A', 'a: 1', 'TE: x', 'Keep-Alive: 1']],
    ['an operator’s login', ['Host: vip', 'Cookie: a=1; dashgate_admin=s%3Ax.y; b=dashgate_admin']],
    ['nothing but an operator’s login', ['Host: vip', 'Cookie: dashgate_admin=s%3Ax.y']],
    ['a body', ['Host: vip', 'Content-Length: 0', 'Connection: content-length, host']],
    [
      'a websocket',
      ['Host: vip', 'Connection: Upgrade', 'Upgrade: websocket', 'Origin: https://a'],
    ],
  ];
  for (const [why, lines] of requests) {
    for (const trusted of [false, true]) {
      test(`${why} from a ${trusted ? 'trusted' : 'plain'} client`, () => {
        const parsed = new RequestParser().parse(head('GET / HTTP/1.1', ...lines));
        assert.ok(parsed);
        const asks = { ...peer, proxies: trusted ? PROXIES : undefined };
        const rules = parsed.upgrade ? upgradeHeaders : requestHeaders;
        const expected = rules(nodeHeaders(parsed.lines), asks);
        const { text } = requestHead(parsed, new ForwardedLines(asks), asks.requestId, undefined);
        const again = new RequestParser().parse(Buffer.from(text, 'latin1'));
        assert.ok(again);
        assert.deepEqual(nodeHeaders(again.lines), expected);
      });
    }
  }

  test('an answer', () => {
    const lines = [
      'HTTP/1.1 302 Found',
      'Location: http://c1:8001/a',
      'X-Horizon-Location: http://vip/',
      'Set-Cookie: a=1',
      'Set-Cookie: b=2; secure',
      'Set-Cookie: dashgate_admin=x; Path=/',
      'Set-Cookie: =dashgate_admin=x; Domain=vip',
      'Connection: x-hop',
      'X-Hop: 1',
      'Proxy-Authenticate: Basic',
      'Keep-Alive: timeout=5',
      'Transfer-Encoding: chunked',
      'Vary: A',
      'Vary: B',
    ];
    const parsed = new ResponseParser().parse(head(...lines), 'GET');
    assert.ok(parsed);
    const expected = { ...nodeHeaders(parsed.lines) };
    applyResponsePolicy(expected, site);
    expected['x-request-id'] = 'r-1';
    const text = responseHead(parsed, options);
    const again = new ResponseParser().parse(Buffer.from(text, 'latin1'), 'GET');
    assert.ok(again);
    assert.deepEqual(nodeHeaders(again.lines), expected);
  });
});
