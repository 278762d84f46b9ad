import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertAllowed, assertUnambiguous } from '../../src/policy/access.ts';
import { consoleToken } from '../../src/policy/console-token.ts';
import { AffinityCookie, cookieValue, secureCookies } from '../../src/policy/cookies.ts';
import { errorPage } from '../../src/policy/error-page.ts';
import { type Peer, requestHeaders, upgradeHeaders } from '../../src/policy/forwarded.ts';
import { rewriteLocation } from '../../src/policy/location.ts';
import { parseNetworks } from '../../src/policy/networks.ts';
import { httpsLocation, isRoot } from '../../src/policy/redirect.ts';
import { applyResponsePolicy } from '../../src/policy/response.ts';

const peer: Peer = { address: '192.0.2.7', proxies: undefined, scheme: 'https', requestId: 'r-1' };
const trusted: Peer = { ...peer, proxies: parseNetworks(['192.0.2.7', '10.0.0.0/8']) };

describe('forwarding headers', () => {
  test('a client cannot choose them', () => {
    const headers = requestHeaders(
      { host: 'a', 'x-forwarded-for': '6.6.6.6', 'x-forwarded-proto': 'http', 'x-real-ip': '6' },
      peer,
    );
    assert.deepEqual(headers, {
      host: 'a',
      'x-forwarded-for': '192.0.2.7',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'a',
      'x-forwarded-port': '443',
      'x-real-ip': '192.0.2.7',
      'x-request-id': 'r-1',
    });
  });

  test('a trusted proxy is believed, and added to', () => {
    const headers = requestHeaders(
      {
        host: 'a:8443',
        'x-forwarded-for': '198.51.100.1, 10.0.0.1',
        'x-forwarded-proto': 'http',
        'x-forwarded-host': 'public.example',
        'x-forwarded-port': '80',
      },
      trusted,
    );
    assert.equal(headers['x-forwarded-for'], '198.51.100.1, 10.0.0.1, 192.0.2.7');
    assert.equal(headers['x-real-ip'], '198.51.100.1');
    assert.equal(headers['x-forwarded-proto'], 'http');
    assert.equal(headers['x-forwarded-host'], 'public.example');
    assert.equal(headers['x-forwarded-port'], '80');
  });

  test('who asks is the last address that is no trusted proxy, with or without a port', () => {
    const asked: [forwardedFor: string, realIp: string][] = [
      ['6.6.6.6, 198.51.100.1, 10.0.0.1', '198.51.100.1'],
      ['6.6.6.6, 198.51.100.1:4711', '198.51.100.1'],
      ['6.6.6.6, 198.51.100.1, 10.0.0.1:80', '198.51.100.1'],
      ['[2001:db8::7]:4711', '2001:db8::7'],
      ['[2001:db8::7]', '2001:db8::7'],
      ['2001:db8::7', '2001:db8::7'],
      ['::ffff:198.51.100.1', '198.51.100.1'],
      ['10.0.0.3', '10.0.0.3'],
      ['198.51.100.1, unknown', '192.0.2.7'],
      ['198.51.100.1, ', '192.0.2.7'],
      ['198.51.100.1, 10.0.0.1:port', '192.0.2.7'],
      ['198.51.100.1, [10.0.0.1', '192.0.2.7'],
    ];
    for (const [forwardedFor, realIp] of asked) {
      const headers = requestHeaders({ host: 'a', 'x-forwarded-for': forwardedFor }, trusted);
      assert.equal(headers['x-real-ip'], realIp, forwardedFor);
    }
  });

  test('even a trusted proxy passes no list of schemes on: Django reads the first, nova the whole', () => {
    const headers = requestHeaders({ host: 'a', 'x-forwarded-proto': 'http, https' }, trusted);
    assert.equal(headers['x-forwarded-proto'], 'https');
  });

  test('names that WSGI folds into ours are dropped', () => {
    const headers = requestHeaders(
      { host: 'a', x_forwarded_proto: 'x', 'x-forwarded_for': 'x' },
      peer,
    );
    assert.equal(headers.x_forwarded_proto, undefined);
    assert.equal(headers['x-forwarded_for'], undefined);
  });

  test('what Connection names stays behind, but never the framing or the Host', () => {
    const headers = requestHeaders(
      { host: 'a', connection: 'X-Hop, content-length, host', 'x-hop': '1', 'content-length': '3' },
      peer,
    );
    assert.equal(headers['x-hop'], undefined);
    assert.equal(headers.connection, undefined);
    assert.equal(headers['content-length'], '3');
    assert.equal(headers.host, 'a');
  });

  test('a handshake keeps its upgrade, Origin, Cookie and subprotocol', () => {
    const headers = upgradeHeaders(
      {
        host: 'a',
        connection: 'keep-alive, Upgrade',
        upgrade: 'websocket',
        origin: 'https://a',
        cookie: 'token=1',
        'sec-websocket-protocol': 'binary',
      },
      peer,
    );
    assert.equal(headers.connection, 'Upgrade');
    assert.equal(headers.upgrade, 'websocket');
    assert.equal(headers.origin, 'https://a');
    assert.equal(headers.cookie, 'token=1');
    assert.equal(headers['sec-websocket-protocol'], 'binary');
    assert.equal(headers['x-forwarded-proto'], 'https');
  });
});

describe('Location', () => {
  const backends = new Set(['10.0.0.1:80', 'c1:8001', 'tls1:443']);
  const site = { host: 'vip:8443', secure: true, backends };
  const cases: [from: string, to: string, why: string][] = [
    ['http://vip:8443/a?b#c', 'https://vip:8443/a?b#c', 'this site over http'],
    ['http://VIP:8443', 'https://vip:8443', 'letter case of the host'],
    ['http://vip/a', 'https://vip:8443/a', 'this site without its port'],
    ['http://vip:80/a', 'https://vip:8443/a', 'this site on the port of http'],
    ['http://10.0.0.1/a', 'https://vip:8443/a', 'a backend on its default port'],
    ['http://10.0.0.1:80/a', 'https://vip:8443/a', 'a backend'],
    ['http://c1:8001/a', 'https://vip:8443/a', 'a backend by name'],
    ['//c1:8001/a', '//vip:8443/a', 'a backend without a scheme'],
    ['https://tls1/a', 'https://vip:8443/a', 'a backend on the default port of https'],
    ['https://TLS1:443/a', 'https://vip:8443/a', 'a backend on the port of https'],
    ['//tls1/a', '//vip:8443/a', 'a backend on the default port of https, without a scheme'],
    ['http://tls1/a', 'http://tls1/a', 'another port of a backend'],
    ['https://vip:8443/a', 'https://vip:8443/a', 'this site over https'],
    ['/relative', '/relative', 'a relative address'],
    ['http://vip:9999/a', 'http://vip:9999/a', 'another service of this host'],
    ['http://elsewhere/a', 'http://elsewhere/a', 'another site'],
    ['http://vip.evil/a', 'http://vip.evil/a', 'a name that starts alike'],
    ['http://vip:8443@evil/a', 'http://vip:8443@evil/a', 'a user part that looks alike'],
    ['http:///x', 'http:///x', 'no authority'],
    ['', '', 'nothing'],
  ];
  for (const [from, to, why] of cases) {
    test(`${why}: ${from}`, () => {
      assert.equal(rewriteLocation(from, site), to);
    });
  }
});

test('an answer is made to fit the public side', () => {
  const headers = {
    location: 'http://vip/x',
    'x-horizon-location': 'http://vip/y',
    'set-cookie': ['a=1', 'b=2; Secure; Path=/'],
    connection: 'x-hop',
    'x-hop': '1',
    'keep-alive': 'timeout=5',
    'transfer-encoding': 'chunked',
  };
  applyResponsePolicy(headers, { host: 'vip', secure: true, backends: new Set() });
  assert.deepEqual(headers as object, {
    location: 'https://vip/x',
    'x-horizon-location': 'https://vip/y',
    'set-cookie': ['a=1; Secure', 'b=2; Secure; Path=/'],
    'transfer-encoding': 'chunked',
  });
});

describe('cookies', () => {
  test('Secure is added once', () => {
    assert.deepEqual(secureCookies(['a=secure', 'b=1;secure', 'c=1; SECURE ;x']), [
      'a=secure; Secure',
      'b=1;secure',
      'c=1; SECURE ;x',
    ]);
  });

  test('Secure with other blanks around it than browsers know is none', () => {
    assert.deepEqual(secureCookies(['a=1;\xa0Secure', 'b=1; Secure\x0b']), [
      'a=1;\xa0Secure; Secure',
      'b=1; Secure\x0b; Secure',
    ]);
  });

  test('a cookie is found by its whole name', () => {
    assert.equal(cookieValue('xSERVERID=1; SERVERID=two=2 ;a', 'SERVERID'), 'two=2');
    assert.equal(cookieValue(undefined, 'a'), undefined);
  });

  test('the affinity cookie is hidden from the backend', () => {
    const affinity = new AffinityCookie('SERVERID');
    const headers = { cookie: 'a=1; SERVERID=s1; b=2' };
    assert.equal(affinity.take(headers), 's1');
    assert.equal(headers.cookie, 'a=1; b=2');
    const only: { cookie?: string } = { cookie: 'SERVERID=s1' };
    assert.equal(affinity.take(only), 's1');
    assert.ok(!('cookie' in only));
  });
});

describe('access', () => {
  for (const target of [
    '/server-status',
    '/server-status?auto',
    '//server-status/x',
    '/%73erver-status',
    '/a/../server-status',
    '/./SERVER-STATUS',
  ]) {
    test(`${target} is closed`, () => {
      assert.throws(() => assertAllowed(target, ['/server-status']), { kind: 'forbidden' });
    });
  }
  test('what only starts alike, or breaks off in an escape, is open', () => {
    assertAllowed('/server-statuses', ['/server-status']);
    assertAllowed('/%zz', ['/server-status']);
  });
  test('a second Host and a strange target are refused', () => {
    assert.throws(() => assertUnambiguous(['Host', 'a', 'hoST', 'a'], '/'), { kind: 'badRequest' });
    assert.throws(() => assertUnambiguous(['Host', 'a'], 'a:443'), { kind: 'badRequest' });
    assertUnambiguous(['Host', 'a'], '*');
  });
});

describe('redirects', () => {
  test('lead to the same place over https', () => {
    assert.equal(httpsLocation('vip', '/a?b', 443), 'https://vip/a?b');
    assert.equal(httpsLocation('vip:80', '/', 8443), 'https://vip:8443/');
    assert.equal(httpsLocation('[::1]:80', '/', 443), 'https://[::1]/');
  });
  test('are not built from a Host that is none', () => {
    for (const host of [undefined, '', 'a b', 'a/b', 'evil@vip', 'a\\b', '[::1']) {
      assert.equal(httpsLocation(host, '/', 443), undefined, host);
    }
    assert.equal(httpsLocation('vip', 'http://evil/', 443), undefined);
  });
  test('the root is the root with or without a query', () => {
    assert.deepEqual(['/', '/?a', '/a', '//'].map(isRoot), [true, true, false, false]);
  });
});

describe('error pages', () => {
  test('are HTML for a browser and JSON for a program', () => {
    const page = errorPage('badGateway', {
      accept: 'text/html,application/xhtml+xml,*/*',
      requestId: 'r-1',
    });
    assert.equal(page.status, 502);
    assert.match(page.body, /<h1>502<\/h1>.*r-1/s);
    const json = errorPage('noBackend', { accept: 'application/json', requestId: 'r-2' });
    assert.equal(JSON.parse(json.body).requestId, 'r-2');
    assert.equal(json.headers['retry-after'], '5');
    assert.equal(json.headers['content-length'], String(Buffer.byteLength(json.body)));
  });

  test('name no request where nothing is logged of it', () => {
    const page = errorPage('badRequest', {});
    assert.doesNotMatch(page.body, /Request/);
    assert.ok(!('x-request-id' in page.headers));
  });
});

describe('the token of a console', () => {
  test('is found where nova looks for it: the last of the query, else the cookie', () => {
    for (const [target, cookie, token] of [
      ['/?token=a', undefined, 'a'],
      ['/websockify?x=1&token=a-b%2Bc', 'token=other', 'a-b+c'],
      ['/?token=a&token=b', undefined, 'b'],
      ['/?token=', 'x=1; token=c', 'c'],
      ['/websockify', 'token=c; token=d', 'c'],
      ['/?path=%3Ftoken%3Da', undefined, undefined],
      ['/', 'token=', undefined],
      ['/?%E0%A4%A', 'mytoken=c', undefined],
    ] as const) {
      assert.equal(consoleToken(target, cookie), token, target);
    }
  });
});
