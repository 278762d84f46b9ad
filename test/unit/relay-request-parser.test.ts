import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HeadError } from '../../src/relay/head.ts';
import { RequestParser } from '../../src/relay/request-parser.ts';
import { REFUSED_REQUESTS, REQUESTS } from '../support/relay-requests.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');

describe('a request is refused for', () => {
  for (const [why, text, status, reason] of REFUSED_REQUESTS) {
    test(why, () => {
      assert.throws(
        () => new RequestParser().parse(bytes(text)),
        (error) => {
          assert.ok(error instanceof HeadError);
          assert.equal(error.status, status);
          assert.match(error.reason, reason);
          return true;
        },
      );
    });
  }
});

describe('a request is read with', () => {
  for (const [why, text, expected, rest = ''] of REQUESTS) {
    test(why, () => {
      const parser = new RequestParser();
      const head = parser.parse(bytes(text));
      assert.ok(head);
      assert.partialDeepStrictEqual(head, expected);
      assert.equal(parser.rest.toString('latin1'), rest);
    });
  }
});

test('header lines are found by name, whatever their case, and joined', () => {
  const parser = new RequestParser();
  const head = parser.parse(
    bytes(
      'GET / HTTP/1.1\r\nhOST: a\r\nX-A:  1 \r\nCookie: a=1\r\nx-a: 2\r\nX-Ab: 3\r\nCOOKIE: b\r\n\r\n',
    ),
  );
  assert.ok(head);
  const { lines } = head;
  assert.equal(lines.count, 6);
  assert.equal(lines.value('host'), 'a');
  assert.equal(lines.value('x-a'), '1, 2');
  assert.equal(lines.value('cookie'), 'a=1; b');
  assert.equal(lines.value('x'), undefined);
  assert.equal(lines.name(1), 'X-A');
  assert.equal(lines.valueAt(1), '1');
});

test('a header that Connection names is told, but not what frames or routes the message', () => {
  const parser = new RequestParser();
  const text =
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: X-Hop, close, Host,\tcontent-length ,, Transfer-Encoding\r\n\r\n';
  assert.deepEqual(parser.parse(bytes(text))?.lines.connectionNames, ['x-hop']);
});

test('pipelined requests are read one after the other', () => {
  const parser = new RequestParser();
  const targets: string[] = [];
  let chunk: Buffer = bytes(
    '/a /b /c'.replaceAll(/(\S+) ?/g, 'GET $1 HTTP/1.1\r\nHost: a\r\n\r\n'),
  );
  while (chunk.length > 0) {
    const head = parser.parse(chunk);
    assert.ok(head);
    targets.push(head.target);
    chunk = parser.rest;
  }
  assert.deepEqual(targets, ['/a', '/b', '/c']);
});

test('a parser is idle until something of a head has come, and again when it is complete', () => {
  const parser = new RequestParser();
  const idle: boolean[] = [];
  for (const part of [
    '\r',
    '\n',
    '\r\n',
    'G',
    'ET / HTTP/1.1\r\nHost: a\r',
    '\n\r\n',
    '\r\n',
    'P',
  ]) {
    parser.parse(bytes(part));
    idle.push(parser.idle);
  }
  assert.deepEqual(idle, [true, true, true, false, false, true, true, false]);
  parser.reset();
  assert.ok(parser.idle);
  assert.equal(parser.parse(bytes('GET / HTTP/1.0\r\n\r\n'))?.minor, 0);
});

test('nothing of one request is left over in the next', () => {
  const followers = [
    '\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: c\r\n\r\n',
    'GET / HTTP/1.0\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: c\r\nUpgrade: websocket\r\n\r\n',
    'PUT / HTTP/1.1\r\nHost: c\r\nContent-Length: 1\r\n\r\n',
  ];
  const parser = new RequestParser();
  for (const [why, text] of REQUESTS) {
    for (const follower of followers) {
      parser.parse(bytes(text));
      const used = parser.parse(bytes(follower));
      const fresh = new RequestParser().parse(bytes(follower));
      assert.ok(used && fresh);
      const { lines, ...head } = used;
      const { lines: freshLines, ...freshHead } = fresh;
      assert.deepEqual(head, freshHead, why);
      assert.equal(lines.count, freshLines.count, why);
      assert.deepEqual(lines.connectionNames, freshLines.connectionNames, why);
    }
  }
});

test('nothing of a head is kept when it is forgotten', () => {
  const parser = new RequestParser();
  const { lines } = parser.parse(bytes('GET / HTTP/1.1\r\nHost: a\r\n\r\nrest'))!;
  parser.reset();
  assert.equal(lines.text, '');
  assert.equal(parser.rest.length, 0);
});

test('what is refused is refused without a look at the stack, which would be most of the work', () => {
  try {
    new RequestParser().parse(bytes('\0'));
    assert.fail('it was taken');
  } catch (error) {
    assert.ok(error instanceof HeadError);
    assert.doesNotMatch(error.stack ?? '', /\n/);
  }
  assert.match(new Error('any other').stack ?? '', /\n/);
});

test('a request is not changed by what becomes of the chunk it came in', () => {
  const parser = new RequestParser();
  const first = bytes('GET /abc HTTP/1.1\r\nHo');
  assert.equal(parser.parse(first), undefined);
  first.fill(0);
  const last = bytes('st: a\r\n\r\n');
  const head = parser.parse(last);
  last.fill(0);
  assert.equal(head?.target, '/abc');
  assert.equal(head?.lines.value('host'), 'a');
});

test('what follows a head is a view of the chunk and no copy', () => {
  const parser = new RequestParser();
  const chunk = bytes('GET / HTTP/1.1\r\nHost: a\r\n\r\nabc');
  parser.parse(chunk);
  chunk[chunk.length - 1] = 0x64;
  assert.equal(parser.rest.toString(), 'abd');
});

test('limits are those that were asked for', () => {
  const text = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
  const exact = { startLineBytes: 14, headBytes: text.length, headerCount: 1 };
  assert.ok(new RequestParser(exact).parse(bytes(text)));
  for (const [limit, status] of [
    ['startLineBytes', 414],
    ['headBytes', 431],
    ['headerCount', 431],
  ] as const) {
    const less = { ...exact, [limit]: exact[limit] - 1 };
    assert.throws(() => new RequestParser(less).parse(bytes(text)), { status }, limit);
  }
});
