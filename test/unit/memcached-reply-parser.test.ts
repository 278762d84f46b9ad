import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MalformedReply, type Reply, ReplyParser } from '../../src/memcached/reply-parser.ts';

const BINARY = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
const STREAM = Buffer.concat([
  Buffer.from('STORED\r\nVALUE a 0 0\r\n\r\nVALUE ключ 4294967295 256 18446744073709551615\r\n'),
  BINARY,
  Buffer.from(
    '\r\nVALUE b 7 13\r\nEND\r\nVALUE x\n\r\nEND\r\nSERVER_ERROR out of memory\r\n42\r\n',
  ),
]);
const REPLIES: Reply[] = [
  { kind: 'line', line: 'STORED' },
  { kind: 'value', key: 'a', flags: 0, value: Buffer.alloc(0) },
  { kind: 'value', key: 'ключ', flags: 0xffffffff, value: BINARY, cas: 2n ** 64n - 1n },
  { kind: 'value', key: 'b', flags: 7, value: Buffer.from('END\r\nVALUE x\n') },
  { kind: 'line', line: 'END' },
  { kind: 'line', line: 'SERVER_ERROR out of memory' },
  { kind: 'line', line: '42' },
];

it('reads lines and values', () => {
  assert.deepEqual([...new ReplyParser().push(STREAM)], REPLIES);
});

it('gives the same replies wherever the stream is split in two', () => {
  for (let at = 0; at <= STREAM.length; at++) {
    const parser = new ReplyParser();
    const replies = [...parser.push(STREAM.subarray(0, at)), ...parser.push(STREAM.subarray(at))];
    assert.deepEqual(replies, REPLIES, `split at ${at}`);
  }
});

it('gives the same replies for chunks of any one size', () => {
  for (let size = 1; size <= 40; size++) assert.deepEqual(parsed(STREAM, size), REPLIES);
});

it('gives the replies before what is malformed, wherever the stream is split', () => {
  const stream = Buffer.from('STORED\r\nVALUE a 0 1\r\nx\r\nVALUE a 0 1\r\nxyz\r\n');
  for (let size = 1; size <= stream.length; size++) {
    const parser = new ReplyParser();
    const replies: Reply[] = [];
    assert.throws(() => {
      for (const chunk of chunks(stream, size)) {
        for (const reply of parser.push(chunk)) replies.push(reply);
      }
    }, MalformedReply);
    assert.deepEqual(
      replies.map(({ kind }) => kind),
      ['line', 'value'],
    );
  }
});

it('gives values that outlive the chunks they came in', () => {
  const chunk = Buffer.from('VALUE a 0 3\r\nabc\r\n');
  const [reply] = new ReplyParser().push(chunk);
  chunk.fill(0);
  assert.ok(reply?.kind === 'value');
  assert.equal(reply.value.toString(), 'abc');
});

it('refuses lines that are not the protocol', () => {
  const lines = [
    'END\n',
    '\n',
    'VALUE \r\n',
    'VALUE a\r\n',
    'VALUE a 0\r\n',
    'VALUE a 0 -1\r\n',
    'VALUE a -1 1\r\n',
    'VALUE a 0 1 2 3\r\n',
    'VALUE a  0 1\r\n',
    'VALUE a 0 1 \r\n',
    'VALUE a 0 0x1\r\n',
    'VALUE a 4294967296 1\r\n',
    'VALUE a 0 1 18446744073709551616\r\n',
  ];
  for (const line of lines) {
    assert.throws(() => [...new ReplyParser().push(Buffer.from(line))], MalformedReply, line);
  }
});

it('takes a value of the limit, and skips one with a byte more, however it comes', () => {
  const stream = Buffer.from(
    `VALUE a 0 10\r\n${'x'.repeat(10)}\r\nVALUE b 0 11\r\n${'y'.repeat(11)}\r\nVA 12 f0\r\n${'z'.repeat(12)}\r\nEND\r\n`,
  );
  for (const size of [1, 2, 7, 13, stream.length]) {
    const parser = new ReplyParser({ maxValueBytes: 10 });
    const replies = chunks(stream, size).flatMap((chunk) => [...parser.push(chunk)]);
    assert.deepEqual(
      replies.map((reply) =>
        reply.kind === 'line' ? reply.line : [reply.value.toString(), reply.skipped],
      ),
      [['x'.repeat(10), undefined], ['', 11], ['', 12], 'END'],
    );
  }
  const parser = new ReplyParser({ maxValueBytes: 10 });
  const wrong = Buffer.from('VALUE a 0 11\r\n0123456789abc\r\n');
  assert.throws(() => [...parser.push(wrong)], /whose length is not the one it announced/);
});

it('refuses a line of more than 2,048 bytes, in one chunk or in many', () => {
  const longest = Buffer.from(`${'x'.repeat(2046)}\r\n`);
  for (const size of [1, 100, longest.length]) assert.equal(parsed(longest, size).length, 1);
  const endless = Buffer.alloc(2049, 'x');
  for (const size of [1, 100, endless.length]) {
    assert.throws(() => parsed(endless, size), /more than 2048 bytes/);
  }
});

function parsed(stream: Buffer, size: number): Reply[] {
  const parser = new ReplyParser();
  return chunks(stream, size).flatMap((chunk) => [...parser.push(chunk)]);
}

function chunks(stream: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(stream.length / size) }, (_, index) =>
    stream.subarray(index * size, (index + 1) * size),
  );
}
