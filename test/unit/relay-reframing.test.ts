import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chunking, Dechunking } from '../../src/relay/reframing.ts';

const CHUNKED =
  '5\r\nhello\r\n1;name="a;b"\r\n \r\nA  ;x\r\nworld\r\n;12\r\n0\r\nTrailer: x\r\n\r\n';
const CONTENT = 'hello world\r\n;12';

test('the content of chunks is the same however the bytes are cut', () => {
  for (let first = 0; first <= CHUNKED.length; first++) {
    for (let second = first; second <= CHUNKED.length; second++) {
      const dechunking = new Dechunking();
      const content = [
        [0, first],
        [first, second],
        [second, CHUNKED.length],
      ]
        .map(([from, to]) => String(dechunking.take(Buffer.from(CHUNKED.slice(from, to)))))
        .join('');
      assert.equal(content, CONTENT);
    }
  }
});

test('what was put into chunks comes out again', () => {
  const chunking = new Chunking();
  const pieces = ['hello', '', ' world'].map((text) => chunking.take(Buffer.from(text), false));
  const chunked = Buffer.concat([...pieces, chunking.take(Buffer.from('!'), true)]);
  assert.equal(String(chunked), '5\r\nhello\r\n6\r\n world\r\n1\r\n!\r\n0\r\n\r\n');
  assert.equal(String(new Dechunking().take(chunked)), 'hello world!');
  assert.equal(String(new Chunking().take(Buffer.alloc(0), true)), '0\r\n\r\n');
});
