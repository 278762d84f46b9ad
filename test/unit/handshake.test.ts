import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  acceptOf,
  BannerReader,
  CLOSE_FRAME,
  faultOfSwitch,
  HandshakeReader,
  handshakeRequest,
} from '../../src/upstream/handshake.ts';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const SOUND = [
  'HTTP/1.1 101 Switching Protocols',
  'Upgrade: WebSocket',
  'Connection: keep-alive, Upgrade',
  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
];

const headOf = (lines: readonly string[]) => Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');

/** The same bytes in pieces of `size`, to a fresh reader; what the last piece gave. */
function inPieces<T>(reader: { take(bytes: Buffer): T }, bytes: Buffer, size: number): T {
  let last: T;
  for (let from = 0; from < bytes.length; from += size) {
    last = reader.take(bytes.subarray(from, from + size));
  }
  return last!;
}

describe('a handshake', () => {
  test('has the key of RFC 6455 answered as the RFC has it', () => {
    assert.equal(acceptOf(KEY), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  });

  test('asks with what it was told in place of its own', () => {
    const headers = [
      ['sec-websocket-protocol', 'base64'],
      ['Origin', 'https://a'],
    ] as const;
    const text = handshakeRequest({ path: '/p', host: 'h:1', key: KEY, headers });
    assert.equal(
      text,
      'GET /p HTTP/1.1\r\nHost: h:1\r\nUser-Agent: dashgate-health-check\r\nUpgrade: websocket\r\n' +
        `Connection: Upgrade\r\nSec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n` +
        'sec-websocket-protocol: base64\r\nOrigin: https://a\r\n\r\n',
    );
  });

  test('reads an answer however it is cut', () => {
    for (const size of [1, 2, 3, 7, 4_096]) {
      const answer = inPieces(new HandshakeReader(), headOf(SOUND), size);
      assert.equal(answer?.status, 101);
      assert.equal(faultOfSwitch(answer!, KEY), undefined);
    }
    const { rest } = new HandshakeReader().take(Buffer.concat([headOf(SOUND), CLOSE_FRAME]))!;
    assert.deepEqual(rest, CLOSE_FRAME);
  });

  for (const [what, lines, fault] of [
    ['no Upgrade', SOUND.toSpliced(1, 1), /Upgrade: websocket/],
    ['another protocol', SOUND.with(1, 'Upgrade: h2c'), /Upgrade: websocket/],
    ['no Connection', SOUND.toSpliced(2, 1), /Connection: Upgrade/],
    ['no accept', SOUND.toSpliced(3, 1), /wrong Sec-WebSocket-Accept/],
    ['another accept', SOUND.with(3, 'Sec-WebSocket-Accept: x'), /wrong Sec-WebSocket-Accept/],
    ['two accepts', [...SOUND, SOUND[3]!], /wrong Sec-WebSocket-Accept/],
    ['an extension', [...SOUND, 'Sec-WebSocket-Extensions: x'], /extension/],
  ] as const) {
    test(`finds fault with a 101 that has ${what}`, () => {
      const answer = new HandshakeReader().take(headOf(lines));
      assert.match(faultOfSwitch(answer!, KEY) ?? '', fault);
    });
  }

  test('does not take for an answer what is none, or has no end', () => {
    assert.throws(() => new HandshakeReader().take(headOf(['SSH-2.0-x'])), /not HTTP/);
    assert.throws(() => new HandshakeReader().take(headOf(['HTTP/1.1 200 OK', ': x'])), /no field/);
    const endless = new HandshakeReader();
    assert.throws(() => {
      for (;;) endless.take(Buffer.alloc(1_000, 0x61));
    }, /longer than/);
  });
});

describe('the RFB banner', () => {
  const frame = (opcode: number, payload: string) =>
    Buffer.concat([Buffer.of(0x80 | opcode, payload.length), Buffer.from(payload, 'latin1')]);
  const banner = frame(2, 'RFB 003.008\n');

  test('is found however it is cut, behind control frames and over several frames', () => {
    const ping = frame(9, 'hello');
    const parts = Buffer.concat([ping, frame(2, 'RFB 003.'), ping, frame(2, '008\n')]);
    for (const bytes of [banner, parts]) {
      for (const size of [1, 3, 4_096]) {
        assert.equal(inPieces(new BannerReader(), bytes, size), 'RFB 003.008');
      }
    }
    const long = Buffer.concat([
      Buffer.of(0x82, 126, 0, 200),
      Buffer.from('RFB 003.008\n'.padEnd(200)),
    ]);
    assert.equal(new BannerReader().take(long), 'RFB 003.008');
  });

  test('is not waited for where it will not come', () => {
    const refused = Buffer.concat([Buffer.of(0x88, 2), Buffer.of(0x03, 0xf3)]);
    assert.throws(() => new BannerReader().take(refused), /closed the websocket with code 1011/);
    assert.throws(() => new BannerReader().take(frame(2, 'SSH-2.0-xxxx')), /no RFB banner/);
    assert.throws(() => new BannerReader().take(Buffer.of(0x82, 0x8c)), /no frame of a server/);
    assert.throws(() => new BannerReader().take(Buffer.of(0xc2, 0x0c)), /no frame of a server/);
    assert.throws(() => new BannerReader().take(Buffer.of(0x82, 127)), /no RFB banner/);
    const endless = new BannerReader();
    assert.throws(() => {
      for (;;) endless.take(frame(9, 'hello'));
    }, /no RFB banner/);
  });
});
