import assert from 'node:assert/strict';
import { test } from 'node:test';
import { authority, parseBackends, portOf } from '../../src/upstream/backend-address.ts';
import { BackendTls, type BackendTlsOptions } from '../../src/upstream/backend-tls.ts';

function parse(text: string) {
  const problems: string[] = [];
  const asked: BackendTlsOptions[] = [];
  const backends = parseBackends(
    text,
    (problem) => problems.push(problem),
    (options) => {
      asked.push(options);
      if (options.caFile === 'bad.pem') throw new Error('cannot be used; write another');
      return new BackendTls({ ...options, caFile: undefined });
    },
  );
  return { backends, problems, asked };
}

test('a backend has the customary port of its scheme where none is written', () => {
  const { backends, problems } = parse(
    'http://a,https://b,https://c:80,http://d:443,https://[::1]',
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(
    backends.map(({ name }) => name),
    ['a:80', 'b:443', 'c:80', 'd:443', '[::1]:443'],
  );
  assert.deepEqual(
    backends.map(({ url }) => [authority(url), portOf(url)]),
    backends.map(({ name }) => [name, Number(name.slice(name.lastIndexOf(':') + 1))]),
  );
});

test('TLS is asked for with https:// alone, as the options say', () => {
  const { backends, problems, asked } = parse(
    'http://a:1,https://b:1,https://[::1]:1 ca=/etc/ca.pem sni=portal.internal weight=2,https://d:1 verify=off backup',
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(
    backends.map(({ tls }) => tls instanceof BackendTls),
    [false, true, true, true],
  );
  assert.deepEqual(asked, [
    { hostname: 'b', caFile: undefined, verify: true, serverName: undefined },
    { hostname: '[::1]', caFile: '/etc/ca.pem', verify: true, serverName: 'portal.internal' },
    { hostname: 'd', caFile: undefined, verify: false, serverName: undefined },
  ]);
  assert.equal(backends[2]!.weight, 2);
  assert.equal(backends[3]!.backup, true);
});

test('send-proxy and send-proxy-v2 go with either scheme', () => {
  const { backends, problems } = parse(
    'http://a:1 send-proxy,https://b:1 send-proxy-v2 maxconn=5,https://c:1',
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(
    backends.map(({ sendProxy }) => sendProxy),
    ['v1', 'v2', undefined],
  );
});

test('where nothing can make TLS, there is http:// alone', () => {
  const problems: string[] = [];
  assert.deepEqual(
    parseBackends('https://a:1', (problem) => problems.push(problem)),
    [],
  );
  assert.deepEqual(problems, ['has "https://a:1"; backends are reached over http:// only']);
});

test('every problem is told, with its remedy', () => {
  const wrong: [text: string, ...says: RegExp[]][] = [
    ['http://a:1 ca=x.pem', /"ca=x.pem" for a backend without TLS; write https/],
    ['http://a:1 verify=off', /"verify=off" for a backend without TLS/],
    ['http://a:1 sni=b', /"sni=b" for a backend without TLS/],
    ['https://a:1 ca=bad.pem', /has "ca=bad.pem", which cannot be used; write another/],
    ['https://a:1 ca=', /"ca="; write the path/],
    ['https://a:1 ca', /"ca"; write the path/],
    ['https://a:1 verify=on', /"verify=on"; .*verify=off/],
    ['https://a:1 verify', /"verify"; .*verify=off/],
    ['https://a:1 verify=off ca=x.pem', /both ca=FILE and verify=off/],
    ['https://a:1 sni=192.0.2.1', /"sni=192.0.2.1"; write a name/],
    ['https://a:1 sni=', /"sni="; write a name/],
    ['https://a:1 sni=a..b', /"sni=a..b"; write a name/],
    ['http://a:1 send-proxy send-proxy-v2', /both send-proxy and send-proxy-v2/],
    ['http://a:1 send-proxy=v2', /unknown option "send-proxy=v2"; known are .*send-proxy-v2/],
    ['http://a:1 backup=yes', /unknown option "backup=yes"/],
    ['http://a:1 weight=257', /"weight=257"; it takes a whole number from 1 to 256/],
    ['ftp://a:1 sni=a', /"ftp:\/\/a:1"; backends are reached over http:\/\/ or https:\/\/ only/],
    ['https://a:1/x', /write https:\/\/host:port without a path/],
    [
      'http://a:1 ca=x verify=no,https://b:1 verify=no sni=[::1]',
      /"ca=x" for a backend without TLS/,
      /"verify=no" for a backend without TLS/,
      /"verify=no"; .*verify=off/,
      /"sni=\[::1\]"; write a name/,
    ],
  ];
  for (const [text, ...says] of wrong) {
    const { problems } = parse(text);
    assert.equal(problems.length, says.length, `${text}: ${problems.join(' | ')}`);
    for (const [index, says_] of says.entries()) assert.match(problems[index]!, says_);
  }
});
