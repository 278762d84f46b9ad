import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { ConfigError, type Environment, parseConfig, unknownNames } from '../../src/config.ts';
import { demoCertificate } from '../../src/demo/certificate.ts';
import { temporaryFolder } from '../support/gateway.ts';

const sound: Record<string, string> = {};

before(async (t) => {
  const { cert, key } = await demoCertificate(temporaryFolder(t as never));
  Object.assign(sound, {
    PORTAL_BACKENDS: 'http://10.0.0.1:80',
    CONSOLE_BACKENDS: 'http://10.0.0.1:6080',
    TLS_CERT: cert,
    TLS_KEY: key,
  });
});

function problemsOf(env: Environment): string[] {
  try {
    parseConfig(env);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems.map(({ name, value, problem }) => `${name}|${value ?? ''}|${problem}`);
  }
  return [];
}

test('a minimal configuration takes the documented defaults', () => {
  const config = parseConfig(sound);
  assert.deepEqual(config.PORTAL_LISTEN, { host: '::', port: 443 });
  assert.deepEqual(config.CONSOLE_LISTEN, { host: '::', port: 6080 });
  assert.equal(config.PORTAL_REDIRECT_LISTEN, undefined);
  assert.equal(config.PORTAL_ROOT_REDIRECT, '/dashboard/');
  assert.equal(config.TUNNEL_TIMEOUT, 3_600_000);
  assert.equal(config.MEMCACHED_PLACEMENT, 'pymemcache');
  assert.ok(Object.isFrozen(config));
});

test('backends carry their options', () => {
  const { PORTAL_BACKENDS: backends } = parseConfig({
    ...sound,
    PORTAL_BACKENDS: 'http://a:81 weight=2 maxconn=200, http://[::1]:82 backup name=spare',
  });
  assert.deepEqual(
    backends.map(({ name, weight, maxconn, backup }) => ({ name, weight, maxconn, backup })),
    [
      { name: 'a:81', weight: 2, maxconn: 200, backup: false },
      { name: 'spare', weight: 1, maxconn: 0, backup: true },
    ],
  );
});

test('an admin listener is open to this host alone, or has a password or a token', () => {
  const problemOf = (settings: Environment) => problemsOf({ ...sound, ...settings }).join();
  for (const host of ['127.0.0.1', '127.9.9.9', '[::1]', 'localhost']) {
    assert.equal(problemOf({ ADMIN_LISTEN: `${host}:9090` }), '', host);
  }
  for (const host of [
    '',
    '0.0.0.0',
    '[::]',
    '10.0.0.1',
    'controller',
    'localhost.example',
    '127.example',
  ]) {
    const ADMIN_LISTEN = `${host}:9090`;
    assert.match(problemOf({ ADMIN_LISTEN }), /reached from other hosts without a password/, host);
    assert.equal(problemOf({ ADMIN_LISTEN, ADMIN_TOKEN: 't'.repeat(32) }), '', host);
    assert.equal(problemOf({ ADMIN_LISTEN, ADMIN_PASSWORD: 'p'.repeat(16) }), '', host);
  }
});

test('all problems of a configuration are told at once, each with its value and a remedy', () => {
  const problems = problemsOf({
    PORTAL_LISTEN: 'here',
    PORTAL_BACKENDS: 'http://a:1 wait=3, ftp://b',
    CONSOLE_LISTEN: ':6080',
    TLS_CERT: '/nowhere.pem',
    HEALTH_INTERVAL: '2',
    RETRIES: '-1',
    PORTAL_AFFINITY: 'ip',
    TRUSTED_PROXIES: '10.0.0.0/33',
    MEMCACHED_PLACEMENT: 'ketama',
  });
  const names = problems.map((problem) => problem.split('|')[0]);
  assert.deepEqual(names, [
    'PORTAL_LISTEN',
    'PORTAL_BACKENDS',
    'PORTAL_AFFINITY',
    'TLS_CERT',
    'TLS_KEY',
    'TRUSTED_PROXIES',
    'MEMCACHED_PLACEMENT',
    'HEALTH_INTERVAL',
    'RETRIES',
    'CONSOLE_BACKENDS',
  ]);
  assert.match(
    problems.join('\n'),
    /PORTAL_BACKENDS\|.*unknown option "wait=3".*over http:.* only/s,
  );
  assert.match(problems.join('\n'), /TLS_CERT\|\/nowhere.pem\|does not exist; write the path/);
  assert.match(problems.join('\n'), /TLS_KEY\|\|has to be set: PEM file/);
});

describe('each wrong value is told', () => {
  const wrong: [name: string, value: string, says: RegExp][] = [
    ['PORTAL_LISTEN', '127.0.0.1:99999', /not an address to listen on/],
    ['PORTAL_LISTEN', '[127.0.0.1]:80', /IPv6/],
    ['PORTAL_REDIRECT_LISTEN', 'http://x:80', /not an address to listen on/],
    ['PORTAL_BACKENDS', '10.0.0.1:80', /not an address; write http:|over http:/],
    ['PORTAL_BACKENDS', 'http://a:1,,http://b:1', /superfluous comma/],
    ['PORTAL_BACKENDS', 'http://a:1,http://a:1', /names "a:1" twice/],
    ['PORTAL_BACKENDS', 'http://a:1/path', /without a path/],
    ['PORTAL_BACKENDS', 'http://a;b:1', /not an address/],
    ['PORTAL_BACKENDS', 'http://a"b', /not an address/],
    ['PORTAL_BACKENDS', 'http://u:p@a:1', /without a path, user/],
    ['PORTAL_BACKENDS', 'http://a:1 weight=0', /from 1 to 256/],
    ['PORTAL_BACKENDS', 'http://a:1 name=a;b', /a name is/],
    ['PORTAL_ROOT_REDIRECT', '//evil.example', /not a path/],
    ['PORTAL_AFFINITY', 'yes', /one of none, cookie/],
    ['PORTAL_AFFINITY_COOKIE', 'a=b', /not a cookie name/],
    ['PORTAL_DENY', 'server-status', /not a path/],
    ['PORTAL_HEALTH_METHOD', 'get', /one of GET/],
    ['PORTAL_HEALTH_PATH', 'x', /not a path/],
    ['PORTAL_HEALTH_EXPECT', '2xx', /status codes/],
    ['PORTAL_HEALTH_HOST', 'a b', /not a host name/],
    ['PORTAL_HEALTH_HOST', '[1]:80', /not a host name/],
    ['PORTAL_HEALTH_HOST', 'a:65536', /not a host name/],
    ['PORTAL_HEALTH_CHECK', 'ping', /one of http, tcp, websocket/],
    ['PORTAL_HEALTH_EXPECT', '200,close', /is for handshakes/],
    ['PORTAL_HEALTH_HEADERS', 'Cookie', /parted by \|/],
    ['CONSOLE_HEALTH_EXPECT', '200', /CONSOLE_HEALTH_CHECK=http/],
    ['CONSOLE_LISTEN', 'x', /not an address to listen on/],
    ['CONSOLE_BACKENDS', 'ws://a:1', /http:/],
    ['HSTS', 'yes', /max-age/],
    ['TRUSTED_PROXIES', 'proxy.example', /no IP address or range/],
    ['MEMCACHED_SERVERS', ',', /names no node/],
    ['MEMCACHED_SERVERS', 'a:b', /port/],
    ['MEMCACHED_PLACEMENT', 'x', /one of pymemcache/],
    ['DJANGO_KEY_PREFIX', 'a b', /blank/],
    ['DJANGO_KEY_VERSION', 'one', /whole number/],
    ['SESSION_COOKIE_NAME', 'a b', /cookie name/],
    ['ADMIN_LISTEN', 'localhost', /not an address to listen on/],
    ['HEALTH_TIMEOUT', '10', /with its unit/],
    ['HEALTH_RISE', '0', /from 1 to/],
    ['HEALTH_FALL', 'x', /whole number/],
    ['QUEUE_LIMIT', '1e9', /whole number/],
    ['TUNNEL_TIMEOUT', '90d', /out of range/],
    ['CONNECT_TIMEOUT', '0s', /out of range/],
    ['LOG_LEVEL', 'loud', /one of debug/],
    ['ACCESS_LOG', 'true', /write stdout, off, syslog:/],
  ];
  for (const [name, value, says] of wrong) {
    test(`${name}=${value}`, () => {
      const problems = problemsOf({ ...sound, [name]: value });
      assert.equal(problems.length, 1, problems.join('\n'));
      assert.match(problems[0]!, says);
      assert.ok(problems[0]!.startsWith(`${name}|`));
    });
  }
});

test('a certificate and key that are no pair, no PEM or not readable are told', async (t) => {
  const folder = temporaryFolder(t);
  const other = await demoCertificate(join(folder, 'other'));
  assert.match(problemsOf({ ...sound, TLS_KEY: other.key })[0]!, /TLS_KEY.*another certificate/);
  const junk = join(folder, 'junk.pem');
  writeFileSync(junk, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
  assert.match(problemsOf({ ...sound, TLS_CERT: junk })[0]!, /is not a certificate/);
  assert.match(problemsOf({ ...sound, TLS_KEY: junk })[0]!, /is not a private key/);
  assert.match(problemsOf({ ...sound, TLS_KEY: folder })[0]!, /cannot be read/);
  chmodSync(junk, 0o000);
  if (process.getuid?.() !== 0) {
    assert.match(problemsOf({ ...sound, TLS_KEY: junk })[0]!, /may not be read/);
  }
});

test('a key that others may read is refused, each with its path and remedy, unless that is allowed', async (t) => {
  const folder = temporaryFolder(t);
  const open = await demoCertificate(join(folder, 'open'));
  const { cert, key } = await demoCertificate(join(folder, 'kept'));
  for (const file of [open.key, open.cert, cert]) chmodSync(file, 0o644);
  const otherwise = 'where its mode cannot be changed, set TLS_KEY_PERMISSIONS=any';
  const alone = problemsOf({ ...sound, TLS_CERT: open.cert, TLS_KEY: open.key });
  assert.equal(alone.length, 1);
  assert.match(alone[0]!, /^TLS_KEY\|.*\|is open to others \(mode 0644, of .*\); run chmod 600 /);
  assert.ok(alone[0]!.endsWith(`; ${otherwise}`), alone[0]);
  const both = { ...sound, TLS_CERT: `${cert},${open.cert}`, TLS_KEY: `${key},${open.key}` };
  assert.match(problemsOf(both).join(), new RegExp(`has ${open.key}, which is open to others`));
  const admin = { ADMIN_TLS: 'on', ADMIN_TLS_CERT: open.cert, ADMIN_TLS_KEY: open.key };
  assert.match(problemsOf({ ...sound, ...admin }).join(), /^ADMIN_TLS_KEY\|.*\|is open to others/);
  const { keyPairs } = parseConfig({ ...both, ...admin, TLS_KEY_PERMISSIONS: 'any' });
  assert.deepEqual(
    keyPairs.map(({ exposure }) => exposure === undefined),
    [true, false],
  );
});

test('the admin listener has a whole pair of its own, or that of the portal, and only where it is on', async (t) => {
  const { cert, key } = await demoCertificate(join(temporaryFolder(t), 'own'));
  const own = { ADMIN_TLS_CERT: cert, ADMIN_TLS_KEY: key };
  assert.equal(parseConfig(sound).adminKeyPair, undefined);
  const { adminKeyPair, keyPairs } = parseConfig({ ...sound, ADMIN_TLS: 'on' });
  assert.equal(adminKeyPair, keyPairs[0]);
  assert.equal(parseConfig({ ...sound, ...own, ADMIN_TLS: 'on' }).adminKeyPair?.certPath, cert);
  const on = { ...sound, ADMIN_TLS: 'on' };
  const cases = [
    [{ ...sound, ...own }, /^ADMIN_TLS_CERT\|.*serves nothing while ADMIN_TLS is off; set/],
    [{ ...on, ADMIN_TLS_CERT: cert }, /^ADMIN_TLS_KEY\|\|has to be set.*key of ADMIN_TLS_CERT/],
    [{ ...on, ADMIN_TLS_KEY: key }, /^ADMIN_TLS_CERT\|\|has to be set.*the first of TLS_CERT/],
    [{ ...on, ...own, ADMIN_TLS_KEY: sound.TLS_KEY }, /^ADMIN_TLS_KEY\|.* than ADMIN_TLS_CERT/],
    [{ ...on, ...own, ADMIN_TLS_CERT: '/nowhere.pem' }, /^ADMIN_TLS_CERT\|.*does not exist/],
  ] as const;
  for (const [env, says] of cases) {
    const problems = problemsOf(env);
    assert.equal(problems.length, 1, problems.join('\n'));
    assert.match(problems[0]!, says);
  }
});

test('a key that was put where its path belongs is not repeated', () => {
  const pem = '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----';
  assert.throws(
    () => parseConfig({ ...sound, TLS_KEY: pem }),
    (error: Error) =>
      error.message.includes('TLS_KEY=(PEM text)') && !error.message.includes('c2V'),
  );
});

test('two listeners on one port are told', () => {
  const problems = problemsOf({ ...sound, PORTAL_REDIRECT_LISTEN: '127.0.0.1:443' });
  assert.match(problems[0]!, /PORTAL_REDIRECT_LISTEN.*same port as PORTAL_LISTEN/);
});

test('a misspelt name in a file of settings is told with all else that is wrong, and with the one that was meant', () => {
  const unknown = unknownNames('.env', ['PORTAL_BACKEND', 'TLS_KEY', 'FOO']);
  assert.throws(() => parseConfig({ ...sound, WORKERS: 'two' }, unknown), {
    message:
      /PORTAL_BACKEND in \.env.*did you mean PORTAL_BACKENDS\?\n {2}FOO in \.env.*\.env\.example.*\n {2}WORKERS=two /,
  });
});

test('a secret is not shown, not even where it is wrong', () => {
  assert.throws(
    () => parseConfig({ PORTAL_HEALTH_HEADERS: 'Cookie token=planted' }),
    (error) => {
      assert.match(String(error), /PORTAL_HEALTH_HEADERS=\(secret\)/);
      assert.doesNotMatch(String(error), /planted/);
      return true;
    },
  );
});
