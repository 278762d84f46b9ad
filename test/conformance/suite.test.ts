import assert from 'node:assert/strict';
import { test } from 'node:test';
import { playCase } from './case.ts';
import { inParallel } from './matrix.ts';
import { readMessage } from './message.ts';
import { HAPROXY_DIFFERENCES } from './peers/haproxy-differences.ts';
import { NGINX_DIFFERENCES } from './peers/nginx-differences.ts';
import { passthrough } from './peers/passthrough.ts';
import { TABLE } from './table.ts';

const NAMES = TABLE.map(({ name }) => name);

test('the table is large, and each case is named once, after its section', () => {
  assert.ok(TABLE.length >= 300, `there are ${TABLE.length} cases`);
  for (const name of NAMES) assert.match(name, /^RFC \d{4} §\d+(\.\d+)*: \S/);
  assert.equal(new Set(NAMES).size, NAMES.length);
});

test('each known difference of another proxy is one case, for one reason', () => {
  for (const differences of [HAPROXY_DIFFERENCES, NGINX_DIFFERENCES]) {
    const known = Object.values(differences).flat();
    assert.equal(new Set(known).size, known.length);
    assert.deepEqual(
      known.filter((name) => !NAMES.includes(name)),
      [],
    );
  }
});

test('no case that asks for a refusal is passed by passing everything on', async () => {
  const refusals = TABLE.filter(({ name }) =>
    /(is|are) refused|not passed on|does not cross|§7\.1.* breaks off/.test(name),
  );
  assert.ok(refusals.length > 150, `there are ${refusals.length}`);
  const passed = await inParallel(refusals, 16, async (item) => {
    const deviation = await playCase({ ...item, deadlineMs: 300 }, passthrough);
    return deviation === undefined ? item.name : undefined;
  });
  assert.deepEqual(
    passed.filter((name) => name !== undefined),
    [],
  );
});

test('a message is read where it ends, and not before it is whole', () => {
  const cases: [what: string, text: string, body: string, rest: string][] = [
    ['by length', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok+', 'ok', '+'],
    [
      'by chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a\r\no\r\n1\r\nk\r\n0\r\n\r\n+',
      'ok',
      '+',
    ],
    [
      'by chunks with trailers',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: y\r\n\r\n+',
      'ok',
      '+',
    ],
    ['without a body', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n+', '', '+'],
  ];
  for (const [what, text, body, rest] of cases) {
    const whole = text.length - rest.length;
    for (let length = 0; length < whole; length++) {
      const early = readMessage(text.slice(0, length), 'response', { over: 'open' });
      assert.equal(early, undefined, `${what}, of ${length} bytes`);
    }
    const read = readMessage(text, 'response', { over: 'open' });
    assert.deepEqual([read?.message.body, read?.length], [body, whole], what);
  }
});

test('a message that breaks off is told from a whole one', () => {
  for (const [text, over, complete] of [
    ['HTTP/1.1 200 OK\r\n\r\nok', 'ended', true],
    ['HTTP/1.1 200 OK\r\n\r\nok', 'reset', false],
    ['HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok', 'ended', false],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n', 'ended', false],
  ] as const) {
    assert.equal(readMessage(text, 'response', { over })?.message.complete, complete, text);
  }
});

test('what is no sound message is not read as one', () => {
  for (const text of [
    'HTTP/1.1 200 OK\r\nX-A : b\r\n\r\n',
    'HTTP/1.1 20 OK\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokx0\r\n\r\n',
  ]) {
    assert.throws(() => readMessage(text, 'response', { over: 'open' }), { name: 'Deviation' });
  }
});
