import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import { AccessLog } from '../../src/access-log/access-log.ts';
import { RelayLog } from '../../src/gateway/relay-log.ts';
import { type Logger, lineWriter, quoted } from '../../src/log.ts';
import type { ExchangeRecord, TunnelRecord } from '../../src/relay/relay-report.ts';
import { EXCHANGE } from '../support/exchange-record.ts';

const RECORD = { ...EXCHANGE, client: '2001:db8::1', target: '/a"b\u00e9/?token=secret' };
const LINE = {
  service: 'portal',
  affinity: undefined,
  busy: () => ({ process: 1, frontend: 1, backends: 0, backend: 0 }),
};

function relayLog(logger: Logger, kind: 'stdout' | 'off' = 'stdout'): RelayLog {
  const options = { destination: { kind }, format: 'json', sample: 1, slowMs: 1_000 } as const;
  const access = new AccessLog({ ...options, logger });
  access.close();
  return new RelayLog(logger, access, LINE);
}

function recorded(level = 'info') {
  const lines: string[] = [];
  const root = pino(
    { level, base: { pid: 1 }, formatters: { level: (label) => ({ level: label }) } },
    { write: (line) => lines.push(line) },
  );
  return { lines, logger: root.child({ service: 'portal' }) };
}

/** A line without its time. */
function timeless(line: string | undefined): string | undefined {
  return line?.replace(/"time":\d+/, '"time":0');
}

test('a line of a request is the line that pino itself would write', () => {
  const failed = { backend: undefined, status: 503, termination: 'SC', retries: 2 } as const;
  for (const change of [{}, failed, { aborted: true, termination: 'CD' } as const]) {
    const { lines, logger } = recorded();
    const record: ExchangeRecord = { ...RECORD, ...change };
    relayLog(logger).answered(record);
    const { requestId, client, method, status, backend, ms, termination } = record;
    const { requestMs, queueMs, connectMs, responseMs, bytes, retries } = record;
    const cause = { SC: 'noServer', CD: 'clientAbort' }[termination as string];
    logger.info(
      {
        ...{ requestId, client, method, status, backend, ms, path: '/a"b\u00e9/' },
        ...{ requestMs, queueMs, connectMs, responseMs, bytes, termination, cause },
        ...(retries > 0 ? { retries } : {}),
        ...(record.aborted ? { aborted: true } : {}),
      },
      'request',
    );
    assert.equal(lines.length, 2);
    assert.equal(timeless(lines[0]), timeless(lines[1]));
  }
});

test('lines of requests are left out where the level or the setting says so', () => {
  for (const [level, kind] of [
    ['warn', 'stdout'],
    ['info', 'off'],
  ] as const) {
    const { lines, logger } = recorded(level);
    relayLog(logger, kind).answered(RECORD);
    assert.deepEqual(lines, []);
  }
});

test('a line of a websocket says by whom it ended, wherever lines of requests go', () => {
  const tunnel: TunnelRecord = {
    ...{ requestId: 'r', client: 'c', backend: 'b', ms: 1, received: 2, sent: 3 },
    ...{ code: 1001, reason: 'so', termination: 'KD' as const },
  };
  for (const kind of ['stdout', 'off'] as const) {
    const { lines, logger } = recorded();
    relayLog(logger, kind).tunnelClosed(tunnel, RECORD);
    const { msg, cause, received, code } = JSON.parse(lines[0]!);
    assert.deepEqual([msg, cause, received, code], ['websocket closed', 'endedByGateway', 2, 1001]);
  }
});

test('a message of a line may hold anything', () => {
  const { lines, logger } = recorded();
  lineWriter(logger, 'says "so"\n')?.(`,"n":1`);
  assert.equal(JSON.parse(lines[0]!).msg, 'says "so"\n');
});

test('a quoted text is JSON', () => {
  for (const text of ['', 'plain', '"', '\\', '\n', '\u007f', '\u00e9', '\u2028', '\ud800', '😀']) {
    assert.equal(JSON.parse(quoted(text)), text);
  }
});
