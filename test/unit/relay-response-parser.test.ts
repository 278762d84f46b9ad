import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HeadError } from '../../src/relay/head.ts';
import { ResponseParser } from '../../src/relay/response-parser.ts';
import { REFUSED_RESPONSES, RESPONSES } from '../support/relay-responses.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');

describe('a response is refused for', () => {
  for (const [why, text, status, reason] of REFUSED_RESPONSES) {
    test(why, () => {
      assert.throws(
        () => new ResponseParser().parse(bytes(text), 'GET'),
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

describe('a response is read with', () => {
  for (const [why, method, text, expected, rest = ''] of RESPONSES) {
    test(why, () => {
      const parser = new ResponseParser();
      const head = parser.parse(bytes(text), method);
      assert.ok(head);
      assert.partialDeepStrictEqual(head, expected);
      assert.equal(parser.rest.toString('latin1'), rest);
    });
  }
});

test('interim responses are read one after the other, up to the final one', () => {
  const parser = new ResponseParser();
  const statuses: number[] = [];
  let chunk: Buffer = bytes(
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  );
  while (chunk.length > 0) {
    const head = parser.parse(chunk, 'POST');
    assert.ok(head);
    statuses.push(head.status);
    chunk = parser.rest;
  }
  assert.deepEqual(statuses, [100, 103, 200]);
});
