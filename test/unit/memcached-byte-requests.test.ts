import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as requests from '../../src/memcached/byte-requests.ts';
import { MORE, type Request } from '../../src/memcached/protocol.ts';
import { MalformedReply, ReplyParser } from '../../src/memcached/reply-parser.ts';

const VALUE = Buffer.from([0xff, 0x0d, 0x0a, 0x00]);
const KEY = 'k\u00e9y\u0080';

/** What a request makes of a node's answer. */
function answer<T>({ read }: Request<T>, bytes: string): T {
  for (const reply of new ReplyParser({ encoding: 'latin1' }).push(Buffer.from(bytes, 'latin1'))) {
    const result = read(reply);
    if (result !== MORE) return result;
  }
  throw new Error('the answer is not complete');
}

describe('requests of bytes', () => {
  it('are encoded with each character of the key as a byte, and times as they are', () => {
    const value = VALUE.toString('latin1');
    const encoded: [Request<unknown>, string][] = [
      [requests.getsRequest(KEY), `gets ${KEY}\r\n`],
      [requests.getsManyRequest(['a', KEY]), `gets a ${KEY}\r\n`],
      [
        requests.storeRequest('set', KEY, VALUE, 5, 99_999_999),
        `set ${KEY} 5 99999999 4\r\n${value}\r\n`,
      ],
      [requests.casBytesRequest('a', VALUE, 7n, 0, -1), `cas a 0 -1 4 7\r\n${value}\r\n`],
      [requests.deleteBytesRequest('a'), 'delete a\r\n'],
      [requests.touchBytesRequest('a', -3), 'touch a -3\r\n'],
      [requests.countRequest('decr', 'a', 2n ** 64n - 1n), 'decr a 18446744073709551615\r\n'],
      [requests.metaRequest('mg', 'a', ['v', 't']), 'mg a v t\r\n'],
      [requests.metaRequest('ms', 'a', ['T30'], VALUE), `ms a 4 T30\r\n${value}\r\n`],
      [requests.flushRequest(), 'flush_all\r\n'],
      [requests.statsRequest(), 'stats\r\n'],
    ];
    for (const [{ bytes }, expected] of encoded) assert.equal(bytes.toString('latin1'), expected);
  });

  it('read the answers of memcached', () => {
    assert.equal(answer(requests.getsRequest('a'), 'END\r\n'), undefined);
    assert.deepEqual(answer(requests.getsRequest(KEY), `VALUE ${KEY} 3 1 9\r\nx\r\nEND\r\n`), {
      value: Buffer.from('x'),
      flags: 3,
      cas: 9n,
    });
    const many = answer(
      requests.getsManyRequest(['a', 'b', 'c']),
      'VALUE a 0 1 1\r\nx\r\nVALUE c 0 1 2\r\ny\r\nEND\r\n',
    );
    assert.deepEqual([...many.keys()], ['a', 'c']);
    assert.equal(answer(requests.countRequest('incr', 'a', 1n), '12\r\n'), 12n);
    assert.deepEqual(answer(requests.metaRequest('mg', 'a', ['v']), 'VA 2 c7\r\nhi\r\n'), {
      line: 'VA 2 c7',
      value: Buffer.from('hi'),
    });
    assert.deepEqual(answer(requests.metaRequest('md', 'a', []), 'NF\r\n'), { line: 'NF' });
    const stats = answer(requests.statsRequest(), 'STAT pid 7\r\nSTAT version 1.6.18\r\nEND\r\n');
    assert.deepEqual(
      [...stats],
      [
        ['pid', '7'],
        ['version', '1.6.18'],
      ],
    );
  });

  it('take nothing for an answer that answers something else', () => {
    const wrong: [Request<unknown>, string][] = [
      [requests.getsRequest('a'), 'VALUE b 0 1 1\r\nx\r\nEND\r\n'],
      [requests.getsRequest('a'), 'VALUE a 0 1\r\nx\r\nEND\r\n'],
      [requests.getsRequest('a'), 'VALUE a 0 1 1\r\nx\r\nVALUE a 0 1 1\r\nx\r\nEND\r\n'],
      [requests.getsManyRequest(['a', 'b']), 'VALUE b 0 1 1\r\nx\r\nVALUE a 0 1 1\r\nx\r\nEND\r\n'],
      [requests.storeRequest('set', 'a', VALUE, 0, 0), 'DELETED\r\n'],
      [requests.storeRequest('set', 'a', VALUE, 0, 0), 'toString\r\n'],
      [requests.countRequest('incr', 'a', 1n), 'OK\r\n'],
      [requests.metaRequest('mg', 'a', []), 'STORED\r\n'],
      [requests.statsRequest(), 'STORED\r\n'],
    ];
    for (const [request, bytes] of wrong) {
      assert.throws(() => answer(request, bytes), MalformedReply, bytes);
    }
  });

  it('are not made for keys that would change the command', () => {
    for (const key of ['', 'a b', 'a\r\nflush_all', 'a\0', 'a\x7f', 'k'.repeat(251), '\u0100']) {
      assert.throws(() => requests.getsRequest(key), TypeError);
      assert.throws(() => requests.getsManyRequest(['a', key]), TypeError);
      assert.throws(() => requests.storeRequest('set', key, VALUE, 0, 0), TypeError);
      assert.throws(() => requests.casBytesRequest(key, VALUE, 1n, 0, 0), TypeError);
      assert.throws(() => requests.deleteBytesRequest(key), TypeError);
      assert.throws(() => requests.touchBytesRequest(key, 0), TypeError);
      assert.throws(() => requests.countRequest('incr', key, 1n), TypeError);
      assert.throws(() => requests.metaRequest('mg', key, []), TypeError);
    }
    assert.ok(requests.isByteKey('k'.repeat(250)));
  });
});
