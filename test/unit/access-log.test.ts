import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AccessLog } from '../../src/access-log/access-log.ts';
import { parseLogDestination, priorityOf } from '../../src/access-log/destination.ts';
import { HttpClock } from '../../src/access-log/http-clock.ts';
import { HttpLine } from '../../src/access-log/http-line.ts';
import { GatewayError } from '../../src/errors.ts';
import { silentLogger } from '../../src/log.ts';
import { LogLines } from '../../src/log-lines.ts';
import { HeadError } from '../../src/relay/head.ts';
import type { ExchangeRecord } from '../../src/relay/relay-report.ts';
import { causeOf, terminationOf } from '../../src/relay/termination.ts';
import { ConnectError, ConnectTimeoutError, failureOf } from '../../src/upstream/failure.ts';
import { EXCHANGE } from '../support/exchange-record.ts';
import { parseHttpLog } from '../support/httplog.ts';

const NOW = new Date(2026, 10, 5, 22, 10, 33, 42).getTime();

function line(change: Partial<ExchangeRecord> = {}, affinity?: readonly string[]): string {
  const http = new HttpLine({
    service: 'portal',
    affinity: affinity && new Set(affinity),
    busy: (backend) => ({ process: 9, frontend: 8, backends: 7, backend: backend ? 6 : 0 }),
  });
  return http.of({ ...EXCHANGE, endedAt: NOW, ...change });
}

describe("a line in HAProxy's HTTP log format", () => {
  test('is as its manual has it, without the query', () => {
    assert.equal(
      line(),
      '192.0.2.7:51234 [05/Nov/2026:22:10:33.030] portal~ portal/web1:80 1/2/3/4/12 200 1234 - - ---- ' +
        '9/8/7/6/0 0/0 "GET /dashboard/ HTTP/1.1"\n',
    );
  });

  test('is read by its parsers, whatever a client asks for', () => {
    const target = '/a"b\u00e9#\u0007|{} 1?token=secret';
    assert.equal(parseHttpLog(line({ target })).request, 'GET /a#22b#E9#23#07|{} 1 HTTP/1.1');
    const long = parseHttpLog(line({ target: `/${'x'.repeat(5_000)}` }));
    assert.equal(long.request!.length, 1_024);
    const v6 = parseHttpLog(line({ client: '2001:db8::1', secure: false }));
    assert.deepEqual([v6.ip, v6.port, v6.frontend], ['2001:db8::1', '51234', 'portal']);
  });

  test('tells of what never came to a backend, or to a request', () => {
    const never = { queueMs: -1, connectMs: -1, responseMs: -1 };
    const refused = parseHttpLog(line({ ...never, backend: undefined, termination: 'PR' }));
    assert.deepEqual([refused.server, refused.state], ['<NOSRV>', 'PR--']);
    assert.deepEqual([refused.Tw, refused.Tc, refused.Tr], ['-1', '-1', '-1']);
    const bad = parseHttpLog(line({ ...never, method: '', target: '', requestMs: -1 }));
    assert.deepEqual([bad.TR, bad.request], ['-1', '<BADREQ>']);
    const elsewhere = parseHttpLog(line({ retries: 2, queuedBefore: 5 }));
    assert.deepEqual([elsewhere.retries, elsewhere.backendQueue], ['+2', '5']);
  });

  test('tells what became of the affinity cookie, and nothing of what was in it', () => {
    const states = [
      [undefined, '--NI'],
      ['web1:80', '--VN'],
      ['web2:80', '--DI'],
      ['secret', '--II'],
    ] as const;
    for (const [asked, state] of states) {
      const text = line({ asked }, ['web1:80', 'web2:80']);
      assert.equal(parseHttpLog(text).state, state);
      assert.ok(!text.includes('secret'));
    }
  });

  test('has the time of day, also in the next second', () => {
    const clock = new HttpClock();
    assert.equal(clock.http(NOW), '05/Nov/2026:22:10:33.042');
    assert.equal(clock.http(NOW + 958), '05/Nov/2026:22:10:34.000');
    assert.equal(clock.syslog(NOW), 'Nov  5 22:10:33');
  });
});

describe('the end of a request', () => {
  const stalled = new Error('silent');
  const cases: readonly (readonly [GatewayError, string, string])[] = [
    [new GatewayError('requestTimeout', ''), 'cR', 'clientTimeout'],
    [new GatewayError('forbidden', ''), 'PR', 'refused'],
    [new GatewayError('queueTimeout', ''), 'sQ', 'queueTimeout'],
    [new GatewayError('noBackend', ''), 'SC', 'noServer'],
    [failureOf(new ConnectError('refused'), 'one'), 'SC', 'noServer'],
    [failureOf(new ConnectTimeoutError('late'), 'one'), 'sC', 'connectTimeout'],
    [new GatewayError('upstreamTimeout', ''), 'sR', 'serverTimeout'],
    [failureOf(stalled, 'one'), 'SR', 'serverAbort'],
    [failureOf(new HeadError(400, 'x'), 'one'), 'PR', 'refused'],
    [new GatewayError('overloaded', ''), 'RC', 'outOfResources'],
    [new GatewayError('internal', ''), 'IR', 'internal'],
  ];

  test("is told by HAProxy's letters and by a word", () => {
    for (const [failure, letters, word] of cases) {
      const termination = terminationOf(failure, 'R');
      assert.equal(termination, letters, failure.kind);
      assert.equal(causeOf(termination), word);
    }
    assert.equal(terminationOf(failureOf(new HeadError(400, 'x'), 'one'), 'H'), 'PH');
    assert.equal(causeOf('PH'), 'badAnswer');
    assert.equal(causeOf('CD'), 'clientAbort');
    assert.equal(causeOf('KD'), 'endedByGateway');
    for (const well of ['--', 'LR'] as const) assert.equal(causeOf(well), undefined);
  });
});

describe('the destination of the access log', () => {
  test('is standard output, a socket of syslog or a server of it', () => {
    assert.deepEqual(parseLogDestination('on'), { kind: 'stdout' });
    assert.deepEqual(parseLogDestination('off'), { kind: 'off' });
    assert.deepEqual(parseLogDestination('syslog:/dev/log'), {
      kind: 'socket',
      path: '/dev/log',
      facility: 'local0',
    });
    const udp = { kind: 'udp', host: 'logs.example', port: 514, facility: 'local1' };
    assert.deepEqual(parseLogDestination('syslog:udp:logs.example local1'), udp);
    const v6 = { kind: 'udp', host: '::1', port: 1514, facility: 'local0' };
    assert.deepEqual(parseLogDestination('syslog:udp:[::1]:1514'), v6);
    assert.equal(priorityOf('local0'), 134);
  });

  test('names the remedy where it is none', () => {
    const hosts = ['syslog:udp:[::::]:1', 'syslog:udp:a;b:1'];
    const others = ['file', 'syslog:', 'syslog:tcp:a:1', 'syslog:udp:a:0', 'syslog:/a b c'];
    for (const text of [...hosts, ...others]) {
      assert.throws(() => parseLogDestination(text), /write (stdout|local0)/, text);
    }
  });
});

describe('sampling', () => {
  test('leaves out requests that went well, and nothing else', () => {
    const log = new AccessLog({
      ...{ destination: { kind: 'stdout' }, format: 'json', sample: 5, slowMs: 1_000 },
      logger: silentLogger,
    });
    log.close();
    const wanted = Array.from({ length: 50 }, () => log.wants(EXCHANGE));
    assert.equal(wanted.filter((kind) => kind === 'sampled').length, 10);
    assert.equal(wanted.filter((kind) => kind === 'no').length, 40);
    const told: Partial<ExchangeRecord>[] = [
      { status: 404 },
      { status: 502 },
      { ms: 1_000 },
      { termination: 'CD' },
      { aborted: true },
      { status: 0 },
    ];
    for (const change of told) assert.equal(log.wants({ ...EXCHANGE, ...change }), 'always');
  });
});

test('lines that a slow reader never got are counted', () => {
  const lines = new LogLines((bytes) => {
    lines.lost(bytes);
    return true;
  });
  for (let i = 0; i < 3; i += 1) lines.write('one\n');
  assert.equal(lines.dropped, 0);
  lines.flush();
  assert.equal(lines.dropped, 3);
});
