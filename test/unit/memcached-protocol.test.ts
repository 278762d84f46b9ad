import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  casRequest,
  checkKey,
  conditionalStoreRequest,
  counterRequest,
  deleteRequest,
  encodeTtl,
  fetchRequest,
  isErrorLine,
  MORE,
  type Request,
  setRequest,
  staysInStep,
  touchRequest,
  versionRequest,
} from '../../src/memcached/protocol.ts';
import { MalformedReply, type Reply } from '../../src/memcached/reply-parser.ts';

const NOW = 1_700_000_000_900;
const VALUE = Buffer.from('a\r\nb');

describe('requests', () => {
  it('are encoded as protocol.txt has them', () => {
    const encoded: [Request<unknown>, string][] = [
      [fetchRequest('get', ['a']), 'get a\r\n'],
      [fetchRequest('gets', ['a', 'ключ']), 'gets a ключ\r\n'],
      [setRequest('a', VALUE, {}, NOW), 'set a 0 0 4\r\na\r\nb\r\n'],
      [setRequest('a', Buffer.alloc(0), { flags: 1, ttl: 60 }, NOW), 'set a 1 60 0\r\n\r\n'],
      [conditionalStoreRequest('add', 'a', VALUE, { ttl: -7 }, NOW), 'add a 0 -1 4\r\na\r\nb\r\n'],
      [conditionalStoreRequest('replace', 'a', VALUE, {}, NOW), 'replace a 0 0 4\r\na\r\nb\r\n'],
      [casRequest('a', VALUE, 7n, { flags: 2 }, NOW), 'cas a 2 0 4 7\r\na\r\nb\r\n'],
      [deleteRequest('a'), 'delete a\r\n'],
      [touchRequest('a', 5_000_000, NOW), 'touch a 1705000000\r\n'],
      [counterRequest('incr', 'a', 2n ** 64n - 1n), 'incr a 18446744073709551615\r\n'],
      [counterRequest('decr', 'a', 0), 'decr a 0\r\n'],
      [versionRequest(), 'version\r\n'],
    ];
    for (const [{ bytes }, expected] of encoded) assert.equal(bytes.toString(), expected);
  });

  it('hold a copy of the value, so that a later change of it is not sent', () => {
    const value = Buffer.from('abc');
    const { bytes } = setRequest('a', value, {}, NOW);
    value.fill(0);
    assert.equal(bytes.toString(), 'set a 0 0 3\r\nabc\r\n');
  });

  it('read each answer of theirs', () => {
    const set = () => setRequest('a', VALUE, {}, NOW);
    const add = () => conditionalStoreRequest('add', 'a', VALUE, {}, NOW);
    const cas = () => casRequest('a', VALUE, 1n, {}, NOW);
    const answers: [Request<unknown>, string, unknown][] = [
      [fetchRequest('get', ['a']), 'END', new Map()],
      [set(), 'STORED', undefined],
      [add(), 'STORED', true],
      [add(), 'NOT_STORED', false],
      [cas(), 'STORED', 'stored'],
      [cas(), 'EXISTS', 'exists'],
      [cas(), 'NOT_FOUND', 'missing'],
      [deleteRequest('a'), 'DELETED', true],
      [deleteRequest('a'), 'NOT_FOUND', false],
      [touchRequest('a', 1, NOW), 'TOUCHED', true],
      [touchRequest('a', 1, NOW), 'NOT_FOUND', false],
      [counterRequest('incr', 'a', 1), '18446744073709551615', 2n ** 64n - 1n],
      [counterRequest('incr', 'a', 1), 'NOT_FOUND', undefined],
      [versionRequest(), 'VERSION 1.6.18', '1.6.18'],
    ];
    for (const [request, line, expected] of answers) {
      assert.deepEqual(request.read({ kind: 'line', line }), expected, line);
    }
  });

  it('refuse the answers of others', () => {
    const requests = {
      get: () => fetchRequest('get', ['a']),
      set: () => setRequest('a', VALUE, {}, NOW),
      delete: () => deleteRequest('a'),
      touch: () => touchRequest('a', 1, NOW),
      incr: () => counterRequest('incr', 'a', 1),
      version: () => versionRequest(),
    };
    const lines = ['OK', '', 'STORED ', 'EXISTS', '-1', '1 ', 'MN', 'HD', 'stored'];
    for (const [name, request] of Object.entries(requests)) {
      for (const line of lines) {
        const reply: Reply = { kind: 'line', line };
        assert.throws(() => request().read(reply), MalformedReply, `${name}: "${line}"`);
      }
    }
  });

  it('collect values in the order asked, and no others', () => {
    const request = fetchRequest('get', ['a', 'b', 'c']);
    assert.equal(request.read(value('a')), MORE);
    assert.equal(request.read(value('c')), MORE);
    assert.throws(() => request.read(value('b')), MalformedReply);
    assert.throws(() => request.read(value('c')), MalformedReply);
    const found = request.read({ kind: 'line', line: 'END' });
    assert.ok(found !== MORE);
    assert.deepEqual([...found.keys()], ['a', 'c']);
  });
});

describe('keys', () => {
  it('are 1 to 250 bytes of UTF-8 without spaces and control bytes', () => {
    for (const key of ['a', '!~', 'k'.repeat(250), 'é'.repeat(125), '\u0085', '\u3000'])
      checkKey(key);
    const refused = ['', ' ', 'a b', 'a\tb', 'a\n', '\r', '\0', '\x7f', 'é\x01'];
    for (const key of [...refused, 'k'.repeat(251), 'é'.repeat(126), '\ud800', 'a\udc00']) {
      assert.throws(() => checkKey(key), TypeError, JSON.stringify(key));
    }
  });

  it('are not shown in the error, for they may be ids of sessions', () => {
    const secret = 'secret session';
    assert.throws(
      () => checkKey(secret),
      (error: Error) => !error.message.includes('secret'),
    );
  });
});

describe('times to live', () => {
  it('are relative up to 30 days, absolute above, -1 when negative, cut at 2038', () => {
    const month = 30 * 86_400;
    assert.equal(encodeTtl(0, NOW), 0);
    assert.equal(encodeTtl(1, NOW), 1);
    assert.equal(encodeTtl(month, NOW), month);
    assert.equal(encodeTtl(month + 1, NOW), 1_700_000_000 + month + 1);
    assert.equal(encodeTtl(-1, NOW), -1);
    assert.equal(encodeTtl(-1e9, NOW), -1);
    assert.equal(encodeTtl(1e12, NOW), 2 ** 31 - 1);
    for (const ttl of [0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => encodeTtl(ttl, NOW), TypeError);
    }
  });
});

describe('error lines', () => {
  it('are told from answers', () => {
    for (const line of ['ERROR', 'ERROR x', 'CLIENT_ERROR x', 'SERVER_ERROR x', 'SERVER_ERROR']) {
      assert.equal(isErrorLine(line), true, line);
    }
    for (const line of ['ERRORS', 'STORED', 'error', ' ERROR', '']) {
      assert.equal(isErrorLine(line), false, line);
    }
  });

  it('leave replies in step where memcached has surely read the whole command', () => {
    const set = setRequest('a', VALUE, {}, NOW);
    const incr = counterRequest('incr', 'a', 1);
    assert.equal(staysInStep(set, 'SERVER_ERROR object too large for cache'), true);
    assert.equal(staysInStep(set, 'SERVER_ERROR out of memory storing object'), true);
    assert.equal(staysInStep(set, 'CLIENT_ERROR bad data chunk'), false);
    assert.equal(staysInStep(set, 'ERROR'), false);
    assert.equal(staysInStep(incr, 'CLIENT_ERROR invalid numeric delta argument'), true);
    assert.equal(staysInStep(incr, 'ERROR'), true);
    assert.equal(staysInStep(incr, 'SERVER_ERROR out of memory writing get response'), false);
  });
});

function value(key: string): Reply {
  return { kind: 'value', key, flags: 0, value: VALUE };
}
