import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ClientMessage,
  ClientMessageReader,
  MAX_CUT_TEXT_BYTES,
  MAX_ENCODINGS,
  RfbError,
} from '../../src/demo/rfb-messages.ts';
import { NATIVE_FORMAT, writePixelFormat } from '../../src/demo/rfb-pixels.ts';

const HANDSHAKE = Buffer.from('RFB 003.008\n\x01\x01', 'latin1');

function cutText(length: number, text: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.from([6, 0, 0, 0, 0, 0, 0, 0]);
  head.writeUInt32BE(length, 4);
  return Buffer.concat([head, text]);
}

const CONVERSATION = Buffer.concat([
  HANDSHAKE,
  Buffer.from([0, 0, 0, 0]),
  writePixelFormat(NATIVE_FORMAT),
  Buffer.from([2, 0, 0, 2, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0x11]),
  Buffer.from([3, 1, 0, 1, 0, 2, 1, 0, 0, 200]),
  Buffer.from([4, 1, 0, 0, 0, 0, 0xff, 0x0d]),
  cutText(5, Buffer.from('hello')),
  Buffer.from([5, 4, 1, 1, 0, 9]),
  cutText(0),
  Buffer.from([2, 0, 0, 0]),
]);

const MESSAGES: readonly ClientMessage[] = [
  { type: 'version', version: 'RFB 003.008\n' },
  { type: 'security', choice: 1 },
  { type: 'init', shared: true },
  { type: 'setPixelFormat', format: NATIVE_FORMAT },
  { type: 'setEncodings', encodings: [0, -239] },
  { type: 'updateRequest', incremental: true, area: { x: 1, y: 2, width: 256, height: 200 } },
  { type: 'key', down: true, keysym: 0xff0d },
  { type: 'cutText', length: 5 },
  { type: 'pointer', buttons: 4, x: 257, y: 9 },
  { type: 'cutText', length: 0 },
  { type: 'setEncodings', encodings: [] },
];

function readAll(pieces: readonly Buffer[]): ClientMessage[] {
  const reader = new ClientMessageReader();
  const messages: ClientMessage[] = [];
  for (const piece of pieces) {
    reader.push(piece);
    for (let message = reader.next(); message; message = reader.next()) messages.push(message);
  }
  return messages;
}

test('a whole conversation in one piece is read message by message', () => {
  assert.deepEqual(readAll([CONVERSATION]), MESSAGES);
});

test('a conversation cut in two anywhere is read the same', () => {
  for (let cut = 0; cut <= CONVERSATION.length; cut++) {
    const pieces = [CONVERSATION.subarray(0, cut), CONVERSATION.subarray(cut)];
    assert.deepEqual(readAll(pieces), MESSAGES, `cut at ${cut}`);
  }
});

test('a conversation that arrives byte by byte is read the same', () => {
  assert.deepEqual(readAll(Array.from(CONVERSATION, (byte) => Buffer.from([byte]))), MESSAGES);
});

test('clipboard text of the greatest length is skipped over and what follows is read', () => {
  const pointer = Buffer.from([5, 0, 0, 3, 0, 4]);
  const text = Buffer.alloc(MAX_CUT_TEXT_BYTES, 4);
  const pieces = [HANDSHAKE, cutText(MAX_CUT_TEXT_BYTES), text.subarray(1), text.subarray(0, 1)];
  assert.deepEqual(readAll([...pieces, pointer]).slice(3), [
    { type: 'cutText', length: MAX_CUT_TEXT_BYTES },
    { type: 'pointer', buttons: 0, x: 3, y: 4 },
  ]);
});

const REFUSED: readonly (readonly [string, Buffer, RegExp])[] = [
  ['an unknown message type', Buffer.from([99]), /type 99 is unknown/],
  ['clipboard text that is too long', cutText(MAX_CUT_TEXT_BYTES + 1), /at most 1048576/],
  ['clipboard text of a negative length', cutText(0xffffffff), /4294967295 bytes is too long/],
  ['too many encodings', Buffer.from([2, 0, 0xff, 0xff]), new RegExp(`at most ${MAX_ENCODINGS}`)],
];

for (const [what, bytes, message] of REFUSED) {
  test(`${what} is refused before its payload is awaited`, () => {
    assert.throws(
      () => readAll([HANDSHAKE, bytes]),
      (error) => error instanceof RfbError && message.test(error.message),
    );
  });
}
