import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AffinityCookie } from '../../src/policy/cookies.ts';
import type { Peer } from '../../src/policy/forwarded.ts';
import {
  ForwardedLines,
  informationalHead,
  type ResponseOptions,
  requestHead,
  responseHead,
  switchingHead,
} from '../../src/relay/outgoing-head.ts';
import { RequestParser } from '../../src/relay/request-parser.ts';
import { ResponseParser } from '../../src/relay/response-parser.ts';

const peer: Peer = { address: '192.0.2.7', proxies: undefined, scheme: 'https', requestId: 'r-1' };
const affinity = new AffinityCookie('SERVERID');
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
const linesOf = (text: string) => {
  assert.ok(text.endsWith('\r\n\r\n'));
  return text.slice(0, -4).split('\r\n');
};

function forwarded(lines: readonly string[], asks = peer, cookie?: AffinityCookie): string[] {
  const parsed = new RequestParser().parse(head(...lines));
  assert.ok(parsed);
  return linesOf(requestHead(parsed, new ForwardedLines(asks), asks.requestId, cookie).text);
}

function answered(lines: readonly string[], more: Partial<ResponseOptions> = {}): string[] {
  const parsed = new ResponseParser().parse(head(...lines), 'GET');
  assert.ok(parsed);
  return linesOf(responseHead(parsed, { ...options, ...more }));
}

describe('a request', () => {
  test('keeps its lines as they are, in their order, and tells who asks behind them', () => {
    const lines = [
      'GET /a?b HTTP/1.1',
      'hOST: vip:8443',
      'X-A:1',
      'Cookie: a=1',
      'x-a: \t2  ',
      'Cookie: b=2',
      'X-Empty:',
      'X-Latin: \xe4',
    ];
    assert.deepEqual(forwarded(lines), [
      ...lines,
      'X-Forwarded-For: 192.0.2.7',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: vip:8443',
      'X-Forwarded-Port: 8443',
      'X-Real-IP: 192.0.2.7',
      'X-Request-Id: r-1',
    ]);
  });

  test('goes to the host that its target names', () => {
    const lines = forwarded(['GET http://b:81/c HTTP/1.1', 'A: b', 'host: a', 'C: d']);
    assert.deepEqual(lines.slice(0, 4), ['GET /c HTTP/1.1', 'A: b', 'Host: b:81', 'C: d']);
    assert.ok(lines.includes('X-Forwarded-Host: b:81'));
  });

  test('goes on in a version of our own, and keeps what it expects', () => {
    assert.equal(forwarded(['GET / HTTP/1.0'])[0], 'GET / HTTP/1.1');
    assert.equal(forwarded(['GET / HTTP/1.2', 'Host: a'])[0], 'GET / HTTP/1.1');
    assert.ok(
      forwarded(['PUT / HTTP/1.1', 'Host: a', 'Expect: 100-continue']).includes(
        'Expect: 100-continue',
      ),
    );
  });

  test('of no header at all is told who asks for it', () => {
    assert.deepEqual(forwarded(['GET / HTTP/1.0']).slice(0, 3), [
      'GET / HTTP/1.1',
      'Host: ',
      'X-Forwarded-For: 192.0.2.7',
    ]);
  });

  test('loses what is for this hop only, but nothing that frames or routes it', () => {
    const lines = forwarded([
      'POST / HTTP/1.1',
      'Connection: keep-alive, X-Hop, x_hop, te, host, content-length, cookie',
      'Host: a',
      'x-hop: 1',
      'X_Hop: 1',
      'Keep-Alive: timeout=5',
      'TE: trailers',
      'Trailer: A',
      'Proxy-Connection: close',
      'Proxy-Authorization: x',
      'Upgrade: h2c',
      'Cookie: a=1',
      'Content-Length: 0',
    ]);
    assert.deepEqual(lines.slice(0, 3), ['POST / HTTP/1.1', 'Host: a', 'Content-Length: 0']);
    assert.match(lines[3] ?? '', /^X-Forwarded-For/);
  });

  test('is framed in the one spelling that every reader knows', () => {
    const length = forwarded(['POST / HTTP/1.1', 'Host: a', 'content-length: 0012']);
    assert.equal(length[2], 'content-length: 12');
    const nought = forwarded(['POST / HTTP/1.1', 'Host: a', 'Content-Length: 000']);
    assert.equal(nought[2], 'Content-Length: 0');
    const coding = forwarded(['POST / HTTP/1.1', 'Host: a', 'Transfer-Encoding: cHunKed']);
    assert.equal(coding[2], 'Transfer-Encoding: chunked');
  });

  test('loses what would frame it for a reader to whom _ is -', () => {
    const lines = forwarded([
      'POST / HTTP/1.1',
      'Host: a',
      'Transfer_Encoding: chunked',
      'CONTENT_LENGTH: 5',
      'Content-Length: 0',
    ]);
    assert.equal(lines[2], 'Content-Length: 0');
    assert.match(lines[3] ?? '', /^X-Forwarded-For/);
  });

  test('of HTTP/1.0 expects nothing', () => {
    const lines = forwarded(['PUT / HTTP/1.0', 'Host: a', 'Expect: 100-continue']);
    assert.ok(!lines.some((line) => line.startsWith('Expect')));
  });

  test('keeps the framing of its chunks', () => {
    const lines = forwarded(['POST / HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked']);
    assert.equal(lines[2], 'Transfer-Encoding: chunked');
  });

  test('crosses as an upgrade to a websocket, and to nothing else', () => {
    const ask = (upgrade: string) =>
      forwarded(['GET / HTTP/1.1', 'Host: a', 'Connection: Upgrade', `Upgrade: ${upgrade}`]);
    assert.deepEqual(ask('WebSocket').slice(-2), ['Connection: Upgrade', 'Upgrade: WebSocket']);
    for (const upgrade of ['h2c', 'websocket, h2c', 'TLS/1.2']) {
      assert.ok(!ask(upgrade).some((line) => /upgrade/i.test(line)), upgrade);
    }
  });

  test('does not show an operator’s login to the backend, whose host name may be the same', () => {
    const cookie = 'Cookie: a=1; dashgate_admin=s%3Aid.signature; b=2';
    const parsed = new RequestParser().parse(head('GET / HTTP/1.1', 'Host: vip', cookie));
    assert.ok(parsed);
    const { text } = requestHead(parsed, new ForwardedLines(peer), peer.requestId, undefined);
    assert.ok(text.includes('Cookie: a=1; b=2\r\n'));
    assert.ok(!text.includes('dashgate_admin'));
  });

  test('does not show the affinity cookie to the backend', () => {
    const lines = [
      'GET / HTTP/1.1',
      'Host: a',
      'Cookie: SERVERID=c2',
      'cookie: a=1; SERVERID=c3;b=2',
      'Cookie: XSERVERID=1',
    ];
    const parsed = new RequestParser().parse(head(...lines));
    assert.ok(parsed);
    const { text, asked } = requestHead(parsed, new ForwardedLines(peer), peer.requestId, affinity);
    assert.equal(asked, 'c2');
    assert.deepEqual(linesOf(text).slice(2, 5), [
      'cookie: a=1;b=2',
      'Cookie: XSERVERID=1',
      'X-Forwarded-For: 192.0.2.7',
    ]);
    assert.equal(
      requestHead(parsed, new ForwardedLines(peer), peer.requestId, undefined).asked,
      undefined,
    );
  });
});

describe('an answer', () => {
  test('is framed in the one spelling that every reader knows', () => {
    const length = answered(['HTTP/1.1 200 OK', 'Content-Length: 0012']);
    assert.equal(length[1], 'Content-Length: 12');
    const coding = answered([
      'HTTP/1.1 200 OK',
      'Transfer-Encoding: CHUNKED',
      'Transfer_Encoding: a',
    ]);
    assert.deepEqual(coding.slice(1, 3), ['Transfer-Encoding: chunked', 'X-Request-Id: r-1']);
  });

  test('keeps its lines as they are, in their order', () => {
    const lines = [
      'HTTP/1.1 404 Pas trouv\xe9',
      'server: A',
      'X-A:1',
      'Content-Length: 0',
      'x-a: 2 ',
    ];
    assert.deepEqual(answered(lines), [...lines, 'X-Request-Id: r-1']);
  });

  test('of HTTP/1.0 becomes one of HTTP/1.1', () => {
    assert.deepEqual(answered(['HTTP/1.0 200 OK']), ['HTTP/1.1 200 OK', 'X-Request-Id: r-1']);
  });

  test('loses what is for this hop only and the request id of the backend', () => {
    const lines = [
      'HTTP/1.1 200 OK',
      'Connection: Keep-Alive, X-Hop, Set-Cookie, Location',
      'X-Hop: 1',
      'Set-Cookie: a=1',
      'Location: /',
      'Keep-Alive: timeout=5',
      'Upgrade: h2c',
      'Trailer: A',
      'X-Request-ID: theirs',
      'Transfer-Encoding: chunked',
    ];
    assert.deepEqual(answered(lines), [
      'HTTP/1.1 200 OK',
      'Transfer-Encoding: chunked',
      'X-Request-Id: r-1',
    ]);
  });

  test('says whether the connection lives on, where that is not a matter of course', () => {
    const connection = (minor: 0 | 1, keepAlive: boolean) =>
      answered(['HTTP/1.1 200 OK'], { minor, keepAlive }).filter((line) =>
        /^Connection/.test(line),
      );
    assert.deepEqual(connection(1, true), []);
    assert.deepEqual(connection(1, false), ['Connection: close']);
    assert.deepEqual(connection(0, true), ['Connection: keep-alive']);
    assert.deepEqual(connection(0, false), ['Connection: close']);
  });

  test('leads back to this site, and its cookies are Secure there', () => {
    const lines = [
      'HTTP/1.1 302 Found',
      'LOCATION: http://c1:8001/a',
      'X-Horizon-Location:http://vip/b',
      'Content-Location: /c',
      'Set-Cookie: a=1',
      'set-cookie: b=2; Secure',
    ];
    assert.deepEqual(answered(lines).slice(1, 6), [
      'LOCATION: https://vip/a',
      'X-Horizon-Location: https://vip/b',
      'Content-Location: /c',
      'Set-Cookie: a=1; Secure',
      'set-cookie: b=2; Secure',
    ]);
    const plain = answered(lines, { site: { ...site, secure: false } });
    assert.ok(plain.includes('Set-Cookie: a=1'));
  });

  test('without a body says nothing of its length', () => {
    const lines = ['HTTP/1.1 204 No Content', 'Content-Length: 3', 'Transfer-Encoding: chunked'];
    assert.throws(() => answered(lines), /both/);
    for (const line of lines.slice(1)) {
      assert.deepEqual(answered([lines[0] ?? '', line]), [
        'HTTP/1.1 204 No Content',
        'X-Request-Id: r-1',
      ]);
    }
  });

  test('is in chunks for no client of HTTP/1.0, and where the relay makes them', () => {
    const chunked = ['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'];
    assert.deepEqual(answered(chunked, { minor: 0, keepAlive: false }), [
      'HTTP/1.1 200 OK',
      'Connection: close',
      'X-Request-Id: r-1',
    ]);
    assert.deepEqual(answered(['HTTP/1.0 200 OK'], { chunks: true }), [
      ...chunked,
      'X-Request-Id: r-1',
    ]);
  });

  test('carries one Strict-Transport-Security: ours where there is one', () => {
    const lines = ['HTTP/1.1 200 OK', 'Strict-Transport-Security: max-age=1'];
    assert.deepEqual(answered(lines, { hsts: 'max-age=2' }).slice(1), [
      'Strict-Transport-Security: max-age=2',
      'X-Request-Id: r-1',
    ]);
    assert.ok(answered(lines).includes('Strict-Transport-Security: max-age=1'));
  });

  test('names the backend in a cookie where the client asked for another one', () => {
    const lines = ['HTTP/1.1 200 OK', 'Etag: "a"', 'Set-Cookie: SERVERID=evil', 'Set-Cookie: a=1'];
    assert.deepEqual(answered(lines, { affinity }).slice(1), [
      'Etag: "a"',
      'Set-Cookie: a=1; Secure',
      'Set-Cookie: SERVERID=c1; path=/',
      'Cache-Control: private',
      'X-Request-Id: r-1',
    ]);
    const uncacheable = answered(['HTTP/1.1 200 OK', 'Cache-Control: no-store'], { affinity });
    assert.ok(!uncacheable.includes('Cache-Control: private'));
    assert.deepEqual(answered(lines, { affinity, asked: 'c1' }).slice(1), [
      'Etag: "a"',
      'Set-Cookie: a=1; Secure',
      'X-Request-Id: r-1',
    ]);
  });
});

describe('an interim answer', () => {
  const parse = (...lines: string[]) => {
    const parsed = new ResponseParser().parse(head(...lines), 'GET');
    assert.ok(parsed);
    return parsed;
  };

  test('crosses without what is for this hop only', () => {
    const hints = parse(
      'HTTP/1.1 103 Early Hints',
      'Link: </a>',
      'Connection: x-hop',
      'X-Hop: 1',
      'Content-Length: 0',
      'Link: </b>',
    );
    assert.equal(
      informationalHead(hints),
      'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\n\r\n',
    );
    const go = parse('HTTP/1.1 100 Continue');
    assert.equal(informationalHead(go), 'HTTP/1.1 100 Continue\r\n\r\n');
  });

  test('that switches protocols says to which one', () => {
    const switching = parse(
      'HTTP/1.1 101 Switching Protocols',
      'upgrade: websocket',
      'connection: upgrade',
      'sec-websocket-accept: x',
    );
    assert.deepEqual(linesOf(switchingHead(switching, 'r-1', { affinity, secure: true })), [
      'HTTP/1.1 101 Switching Protocols',
      'sec-websocket-accept: x',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'X-Request-Id: r-1',
    ]);
  });

  test('sets no cookie, unless it switches protocols, and then as every answer does', () => {
    const lines = [
      'set-cookie: a=1',
      'set-cookie: SERVERID=x',
      'set-cookie: =SERVERID=x; Domain=example',
      'set-cookie: dashgate_admin=x',
    ];
    const hints = parse('HTTP/1.1 103 Early Hints', ...lines);
    assert.equal(informationalHead(hints), 'HTTP/1.1 103 Early Hints\r\n\r\n');
    const upgrade = ['upgrade: websocket', 'connection: upgrade'];
    const switching = parse('HTTP/1.1 101 Switching Protocols', ...upgrade, ...lines);
    const cookies = (secure: boolean) =>
      linesOf(switchingHead(switching, 'r-1', { affinity, secure })).filter((line) =>
        /^set-cookie/i.test(line),
      );
    assert.deepEqual(cookies(true), ['set-cookie: a=1; Secure']);
    assert.deepEqual(cookies(false), ['set-cookie: a=1']);
  });
});
