import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import { RelayLog } from '../../src/gateway/relay-log.ts';
import { lineWriter, quoted } from '../../src/log.ts';

const RECORD = {
  requestId: 'd1e8a70b5a126547a2de37d1fd6a2f3c',
  client: '2001:db8::1',
  method: 'GET',
  status: 200,
  backend: 'web1:80',
  ms: 12,
  target: '/a"b\u00e9/?token=secret',
  aborted: false,
};

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
  for (const change of [{}, { backend: undefined, status: 503 }, { aborted: true }]) {
    const { lines, logger } = recorded();
    const { target: _, aborted, ...fields } = { ...RECORD, ...change };
    new RelayLog(logger, true).answered({ ...RECORD, ...change });
    const path = '/a"b\u00e9/';
    logger.info(aborted ? { ...fields, path, aborted } : { ...fields, path }, 'request');
    assert.equal(lines.length, 2);
    assert.equal(timeless(lines[0]), timeless(lines[1]));
  }
});

test('lines of requests are left out where the level or the setting says so', () => {
  for (const [level, logsRequests] of [
    ['warn', true],
    ['info', false],
  ] as const) {
    const { lines, logger } = recorded(level);
    new RelayLog(logger, logsRequests).answered(RECORD);
    assert.deepEqual(lines, []);
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
