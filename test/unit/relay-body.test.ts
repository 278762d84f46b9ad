import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BodyFraming } from '../../src/relay/body.ts';
import { CHUNKED, HeadError, UNTIL_CLOSE } from '../../src/relay/head.ts';
import { CHUNKED_BODIES, REFUSED_BODIES } from '../support/relay-bodies.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');

describe('a body in chunks is whole with', () => {
  for (const [why, text, rest = ''] of CHUNKED_BODIES) {
    test(why, () => {
      const framing = new BodyFraming();
      framing.start(CHUNKED);
      assert.equal(framing.take(bytes(text + rest)), text.length);
      assert.ok(framing.done);
      assert.ok(framing.finish());
    });
  }
});

describe('a body in chunks is refused for', () => {
  for (const [why, text, reason] of REFUSED_BODIES) {
    test(why, () => {
      const framing = new BodyFraming();
      framing.start(CHUNKED);
      assert.throws(
        () => framing.take(bytes(text)),
        (error) => error instanceof HeadError && reason.test(error.reason),
      );
    });
  }
});

test('a body of a length ends with its last byte', () => {
  const framing = new BodyFraming();
  framing.start(5);
  assert.equal(framing.take(bytes('abc')), 3);
  assert.ok(!framing.done);
  assert.ok(!framing.finish());
  assert.equal(framing.take(bytes('xdef'), 1), 3);
  assert.ok(framing.done);
});

test('a body of no length has ended when it begins', () => {
  const framing = new BodyFraming();
  framing.start(0);
  assert.ok(framing.done);
  assert.equal(framing.take(bytes('abc'), 1), 1);
});

test('a body that lasts until the end takes all, and ends when the sender closes', () => {
  const framing = new BodyFraming();
  framing.start(UNTIL_CLOSE);
  assert.equal(framing.take(bytes('abc')), 3);
  assert.ok(!framing.done);
  assert.ok(framing.finish());
  assert.ok(framing.done);
});

test('a body in chunks is not whole where the sender closes before its end', () => {
  const text = '3\r\nabc\r\n0;a\r\nA: b\r\n\r\n';
  for (let end = 0; end < text.length; end += 1) {
    const framing = new BodyFraming();
    framing.start(CHUNKED);
    assert.equal(framing.take(bytes(text.slice(0, end))), end);
    assert.ok(!framing.finish(), `after ${end} bytes`);
  }
});

test('nothing of one body is left over in the next', () => {
  const framing = new BodyFraming();
  for (const broken of ['3\r\nab', 'f', '0\r\nHost: a', '1;aaa', '0\r\n\r']) {
    for (const [why, text] of CHUNKED_BODIES) {
      framing.start(CHUNKED);
      framing.take(bytes(broken));
      framing.start(CHUNKED);
      assert.equal(framing.take(bytes(text)), text.length, `${why} after ${broken}`);
      assert.ok(framing.done);
    }
  }
});
