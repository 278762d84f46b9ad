import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { before, test } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import { type ClientHello, readClientHello } from '../../src/listener/client-hello.ts';

/** What a real client says first. */
function helloOf(options: ConnectionOptions): Promise<Buffer> {
  return new Promise((resolve) => {
    const transport = new Duplex({
      read: () => {},
      write: (chunk: Buffer, _encoding, done) => {
        resolve(chunk);
        done();
      },
    });
    connect({ socket: transport, ...options }).on('error', () => {});
  });
}

/** The same message in records of at most `size` bytes each (RFC 8446 §5.1 allows it). */
function inRecordsOf(hello: Buffer, size: number): Buffer {
  const message = hello.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const fragment = message.subarray(at, at + size);
    records.push(Buffer.of(22, 3, 1, fragment.length >> 8, fragment.length & 0xff), fragment);
  }
  return Buffer.concat(records);
}

const NAME = 'a.console.example';
const TOLD: ClientHello = { serverName: NAME };
const UNTOLD: ClientHello = { serverName: undefined };
const hellos: Record<string, Buffer> = {};

before(async () => {
  hellos['TLS 1.3'] = await helloOf({ servername: NAME });
  hellos['TLS 1.2'] = await helloOf({ servername: NAME, maxVersion: 'TLSv1.2' });
  hellos['TLS 1.3 without a name'] = await helloOf({ servername: '' });
});

test('a real client tells the name of the server, or that it has none', () => {
  assert.deepEqual(readClientHello(hellos['TLS 1.3']!), TOLD);
  assert.deepEqual(readClientHello(hellos['TLS 1.2']!), TOLD);
  assert.deepEqual(readClientHello(hellos['TLS 1.3 without a name']!), UNTOLD);
});

test('the outcome is the same wherever the bytes are split, and in whatever records they come', () => {
  for (const hello of Object.values(hellos)) {
    const expected = readClientHello(hello);
    for (const size of [1, 2, 3, 4, 5, 100, 1_000]) {
      const bytes = inRecordsOf(hello, size);
      assert.deepEqual(readClientHello(bytes), expected, `records of ${size}`);
      for (let length = 0; length < bytes.length; length++) {
        assert.equal(readClientHello(bytes.subarray(0, length)), undefined, `${length} bytes`);
      }
    }
    const early = Buffer.concat([hello, Buffer.from('1703030005early', 'latin1')]);
    assert.deepEqual(readClientHello(early.subarray(0, hello.length)), expected);
  }
});

test('a hello without extensions names no server', () => {
  const body = Buffer.concat([Buffer.alloc(34), Buffer.of(0, 0, 2, 0x13, 0x01, 1, 0)]);
  const message = Buffer.concat([Buffer.of(1, 0, 0, body.length), body]);
  const record = Buffer.concat([Buffer.of(22, 3, 1, 0, message.length), message]);
  assert.deepEqual(readClientHello(record), UNTOLD);
});

test('a name that is longer than what carries it is none', () => {
  for (const at of [5, 8]) {
    const bytes = Buffer.from(hellos['TLS 1.3']!);
    // Length of the list in the extension, and of the name in that, the low byte of each.
    const extension = bytes.indexOf(NAME) - 9;
    bytes[extension + at]! += 1;
    assert.deepEqual(readClientHello(bytes), UNTOLD, `length at ${at}`);
  }
});

test('what is no hello is decided at once, for the handshake to refuse', () => {
  for (const bytes of [
    Buffer.from('G'),
    Buffer.from('\r'),
    Buffer.of(21, 3, 1, 0, 2, 1, 0),
    Buffer.of(22, 3, 1, 0, 1, 2),
    Buffer.of(22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff),
  ]) {
    assert.deepEqual(readClientHello(bytes), UNTOLD, bytes.toString('hex'));
  }
});

test('never asks for more than 16,384 bytes', () => {
  const endless = Buffer.concat([Buffer.of(22, 3, 1, 0x7f, 0xff, 1, 0, 0x3f, 0xf0)]);
  const bytes = Buffer.concat([endless, Buffer.alloc(16_384)]);
  assert.equal(readClientHello(bytes.subarray(0, 1_000)), undefined);
  assert.notEqual(readClientHello(bytes.subarray(0, 16_384)), undefined);
  const empty = Buffer.alloc(20_000, Buffer.of(22, 3, 1, 0, 0));
  assert.equal(readClientHello(empty.subarray(0, 1_000)), undefined);
  assert.deepEqual(readClientHello(empty.subarray(0, 16_384)), UNTOLD);
});

test('no change of any byte makes the reader fail or name what the bytes do not', () => {
  const hello = hellos['TLS 1.2']!;
  let named = 0;
  for (let at = 0; at < hello.length; at++) {
    for (const value of [0, 1, 0x7f, 0xff]) {
      const bytes = Buffer.from(hello);
      bytes[at] = value;
      const name = readClientHello(bytes)?.serverName;
      if (name === undefined) continue;
      named++;
      assert.ok(bytes.includes(name, 0, 'latin1'));
    }
  }
  assert.ok(named > 100);
});
