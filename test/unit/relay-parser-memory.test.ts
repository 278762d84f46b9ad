import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestParser } from '../../src/relay/request-parser.ts';
import { heldBytes } from '../support/memory.ts';

test('an idle connection keeps nothing of the head of its last request', () => {
  const connections = 200;
  const head = Buffer.from(
    `GET / HTTP/1.1\r\nHost: dashboard.example.com:8443\r\nCookie: ${'x'.repeat(20_000)}\r\n\r\n`,
  );
  const before = heldBytes();
  const parsers = Array.from({ length: connections }, () => {
    const parser = new RequestParser();
    assert.equal(parser.parse(head)?.host, 'dashboard.example.com:8443');
    parser.reset();
    return parser;
  });
  const each = (heldBytes() - before) / parsers.length;
  assert.ok(each < 4_000, `${each} bytes`);
});
