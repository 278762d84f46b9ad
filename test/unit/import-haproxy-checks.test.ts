import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ImportedText, importText } from '../support/import-haproxy.ts';

/** A console with more lines in its backend. */
function console(...lines: readonly string[]): ImportedText {
  return importText(
    'listen horizon\n mode http\n bind 10.0.0.1:443 ssl crt /etc/ssl/x.pem\n server one 10.0.0.11:80 check\n' +
      'listen novnc\n mode http\n bind 10.0.0.1:6080 ssl crt /etc/ssl/x.pem\n server one 10.0.0.11:6080 check\n' +
      lines.map((line) => ` ${line}\n`).join(''),
  );
}

const SEND =
  'http-check send meth GET uri /x ver HTTP/1.1 hdr Upgrade websocket hdr Connection Upgrade hdr Sec-WebSocket-Key dGhlIHNhbXBsZSBub25jZQ== hdr Sec-WebSocket-Version 13 hdr Host c.example';
const EXPECT = 'http-check expect status 101';

test('a check that does a websocket handshake is one here', () => {
  const text = console('option httpchk', 'http-check connect', SEND, EXPECT);
  assert.equal(text.env.CONSOLE_HEALTH_CHECK, 'websocket');
  assert.equal(text.env.CONSOLE_HEALTH_PATH, '/x');
  assert.equal(text.env.CONSOLE_HEALTH_HOST, 'c.example');
  for (const name of ['METHOD', 'EXPECT', 'HEADERS']) {
    assert.equal(text.env[`CONSOLE_HEALTH_${name}`], undefined, name);
  }
  for (const line of ['option httpchk', 'http-check connect', SEND, EXPECT]) {
    assert.equal(text.reason(line), '', line);
  }
});

test('headers of a handshake that are no part of it are kept, and other good answers', () => {
  const { env } = console(
    'option httpchk',
    `${SEND} hdr Origin https://console.example`,
    'http-check expect status 101,200',
  );
  assert.equal(env.CONSOLE_HEALTH_HEADERS, 'Origin: https://console.example');
  assert.equal(env.CONSOLE_HEALTH_EXPECT, '101,200');
});

test('a handshake behind the version of option httpchk is one here', () => {
  const option =
    'option httpchk GET / HTTP/1.1\\r\\nUpgrade:\\ websocket\\r\\nConnection:\\ Upgrade\\r\\nSec-WebSocket-Key:\\ dGhlIHNhbXBsZSBub25jZQ==\\r\\nSec-WebSocket-Version:\\ 13';
  const text = console(option, EXPECT);
  assert.equal(text.env.CONSOLE_HEALTH_CHECK, 'websocket');
  assert.equal(text.env.CONSOLE_HEALTH_HEADERS, undefined);
  assert.equal(text.reason(option), '');
});

test('a check that expects an upgrade to be refused stays one by HTTP', () => {
  const { env } = console('option httpchk', SEND, 'http-check expect status 400,405');
  assert.equal(env.CONSOLE_HEALTH_CHECK, 'http');
  assert.equal(env.CONSOLE_HEALTH_EXPECT, '400,405');
});

test('a check that only connects is told with what consoles are asked, and how to have it', () => {
  const text = console('option tcp-check', 'tcp-check connect port 5900');
  assert.equal(text.env.CONSOLE_HEALTH_CHECK, undefined);
  assert.match(
    text.reason('option tcp-check'),
    /consoles by a websocket handshake.*CONSOLE_HEALTH_CHECK=tcp only connect/,
  );
  assert.match(text.reason('tcp-check connect port 5900'), /another kind.*websocket handshake/);
});

test('a handshake that is sent as text is one here', () => {
  const lines = [
    'option tcp-check',
    'tcp-check connect',
    'tcp-check send GET\\ /websockify?token=x\\ HTTP/1.1\\r\\n',
    'tcp-check send "Host: c.example\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"',
    'tcp-check send "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\nSec-WebSocket-Version: 13\\r\\nOrigin: https://c.example\\r\\n\\r\\n"',
    'tcp-check expect rstring "HTTP/1.1 101"',
  ];
  const { env, reason } = console(...lines);
  assert.equal(env.CONSOLE_HEALTH_CHECK, 'websocket');
  assert.equal(env.CONSOLE_HEALTH_PATH, '/websockify?token=x');
  assert.equal(env.CONSOLE_HEALTH_HOST, 'c.example');
  assert.equal(env.CONSOLE_HEALTH_HEADERS, 'Origin: https://c.example');
  assert.equal(env.CONSOLE_HEALTH_EXPECT, undefined);
  for (const line of lines) assert.equal(reason(line), '', line);
  const other = console(...lines.slice(0, -1), 'tcp-check expect string 400');
  assert.equal(other.env.CONSOLE_HEALTH_CHECK, undefined);
});

/** A portal whose servers have options. */
function servers(...options: readonly string[]): ImportedText {
  const lines = options.map((words, index) => ` server s${index} 10.0.0.1${index}:80 ${words}\n`);
  return importText(
    `listen horizon\n mode http\n bind 10.0.0.1:443 ssl crt /x.pem\n${lines.join('')}`,
  );
}

test('requests that fail count as they do in HAProxy', () => {
  const text = servers('check observe layer7 error-limit 20 on-error mark-down');
  assert.equal(text.env.PORTAL_EJECTION, 'failures=20 time=30s max=5m percent=50');
  const line = text.imported.lines.at(-1)!;
  assert.equal(line.text.includes('observe'), true);
  const drops = text.imported.dropsOf(line);
  assert.deepEqual(
    drops.map(({ part, group }) => [part, group]),
    [
      ['observe layer7', 'builtin'],
      ['on-error mark-down', 'builtin'],
    ],
  );
  assert.ok(drops.every(({ reason }) => /without being told: PORTAL_EJECTION/.test(reason)));
});

test('limits of failures that are not taken are told', () => {
  const { env, report } = servers(
    'observe layer4 error-limit 3',
    'observe layer4 error-limit 4',
    'error-limit 6',
  );
  assert.equal(env.PORTAL_EJECTION, 'failures=3 time=30s max=5m percent=50');
  assert.match(report, /All backends are left out after as many failures.*\n.*error-limit 4/);
  assert.match(report, /does nothing in HAProxy without observe.*\n.*error-limit 6/);
  const much = servers('observe layer7 error-limit 5000');
  assert.equal(much.env.PORTAL_EJECTION, undefined);
  assert.match(much.report, /not taken as failures of PORTAL_EJECTION/);
  assert.equal(servers('observe layer7').env.PORTAL_EJECTION, undefined, 'as it is by itself');
});
