import assert from 'node:assert/strict';
import type { Writable } from 'node:stream';
import { describe, test } from 'node:test';
import * as ws from 'ws';
import {
  closeFrame,
  type FrameSender,
  pingFrame,
  WebsocketFrames,
} from '../../src/relay/websocket-frames.ts';
import { type FrameParts, frame } from '../support/frames.ts';
import { randomFrom } from '../support/random.ts';

const SENDERS: readonly FrameSender[] = ['client', 'server'];
const TEXT = 0x1;
const BINARY = 0x2;
const CONTINUATION = 0x0;
const CLOSE = 0x8;
const PING = 0x9;

/** Payloads around every place where the length is written differently. */
const LENGTHS = [0, 1, 2, 124, 125, 126, 127, 255, 256, 65_534, 65_535, 65_536, 70_000];

function pick<T>(from: readonly T[], random: () => number): T {
  return from[Math.floor(random() * from.length)]!;
}

/** Messages, some of them in fragments with control frames between; each frame by itself. */
function someFrames(sender: FrameSender, random: () => number): Buffer[] {
  const masked = sender === 'client';
  const control = () =>
    frame({ opcode: PING, payload: Buffer.alloc(pick([0, 7, 125], random)), masked });
  const frames: Buffer[] = [];
  for (let i = 0; i < 6; i += 1) {
    const fragments = 1 + Math.floor(random() * 3);
    for (let n = 0; n < fragments; n += 1) {
      const parts: FrameParts = {
        opcode: n === 0 ? pick([TEXT, BINARY], random) : CONTINUATION,
        payload: Buffer.alloc(pick(LENGTHS, random), 0x81),
        fin: n === fragments - 1,
        rsv: n === 0 && random() < 0.3 ? 0b100 : 0,
        masked,
      };
      frames.push(frame(parts));
      if (random() < 0.4) frames.push(control());
    }
  }
  return frames;
}

/** Cuts bytes at random: mostly small pieces around headers, some large ones. */
function split(bytes: Buffer, random: () => number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + Math.floor(random() * pick([1, 3, 12, 200, 100_000], random));
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  return pieces;
}

for (const sender of SENDERS) {
  describe(`frames of a ${sender}`, () => {
    test('every boundary is found and nothing else is taken for one, however the bytes are split', () => {
      for (let seed = 1; seed <= 100; seed += 1) {
        const random = randomFrom(seed);
        const frames = someFrames(sender, random);
        const ends = new Set<number>();
        frames.reduce((at, { length }) => {
          ends.add(at + length);
          return at + length;
        }, 0);
        const tracker = new WebsocketFrames(sender);
        let at = 0;
        for (const piece of split(Buffer.concat(frames), random)) {
          tracker.take(piece);
          at += piece.length;
          assert.equal(tracker.atBoundary, ends.has(at), `seed ${seed}, byte ${at}`);
          assert.equal(tracker.lost, false);
          assert.equal(tracker.closing, false);
        }
      }
    });

    test('of bytes in which a frame ends, those up to its end can be taken alone', () => {
      for (let seed = 1; seed <= 100; seed += 1) {
        const random = randomFrom(seed);
        const bytes = Buffer.concat(someFrames(sender, random));
        const cut = Math.floor(random() * bytes.length);
        const whole = new WebsocketFrames(sender);
        whole.take(bytes.subarray(0, cut));
        let end = cut;
        while (!whole.atBoundary) {
          whole.take(bytes.subarray(end, end + 1));
          end += 1;
        }
        const tracker = new WebsocketFrames(sender);
        tracker.take(bytes.subarray(0, cut));
        let at = cut;
        for (const piece of split(bytes.subarray(cut), random)) {
          const taken = tracker.takeToBoundary(piece);
          at += taken;
          if (taken < piece.length) break;
        }
        assert.equal(at, end, `seed ${seed}`);
        assert.ok(tracker.atBoundary);
      }
    });

    test('a close frame is known from its header on', () => {
      const masked = sender === 'client';
      const bytes = frame({ opcode: CLOSE, payload: Buffer.of(3, 232), masked });
      const tracker = new WebsocketFrames(sender);
      tracker.take(bytes.subarray(0, 1));
      assert.equal(tracker.closing, false);
      tracker.take(bytes.subarray(1, 3));
      assert.equal(tracker.closing, true);
      assert.equal(tracker.atBoundary, false);
      tracker.take(bytes.subarray(3));
      assert.equal(tracker.atBoundary, true);
    });

    test('a length of 64 bits is counted to the last byte', () => {
      const head = frame({
        opcode: BINARY,
        payload: Buffer.alloc(65_536),
        masked: sender === 'client',
      });
      // 2^40 and some: nobody sends it, but its header is sound.
      head.writeBigUInt64BE(2n ** 40n + 65_537n, 2);
      const tracker = new WebsocketFrames(sender);
      tracker.take(head);
      const chunk = Buffer.alloc(0);
      Object.defineProperty(chunk, 'length', { value: 2 ** 40 });
      tracker.take(chunk);
      assert.equal(tracker.atBoundary, false);
      tracker.take(Buffer.of(0));
      assert.equal(tracker.atBoundary, true);
    });

    const masked = sender === 'client';
    const small = Buffer.alloc(5);
    const MALFORMED: Record<string, Buffer> = {
      'a reserved data opcode': frame({ opcode: 0x3, payload: small, masked }),
      'a reserved control opcode': frame({ opcode: 0xb, payload: small, masked }),
      'a control frame in fragments': frame({ opcode: PING, payload: small, masked, fin: false }),
      'a control frame over 125 bytes': frame({ opcode: PING, payload: Buffer.alloc(126), masked }),
      'a length in more bytes than it needs': frame({
        opcode: BINARY,
        payload: small,
        masked,
        lengthBytes: 2,
      }),
      'a length in 8 bytes where 2 will do': frame({
        opcode: BINARY,
        payload: Buffer.alloc(65_535),
        masked,
        lengthBytes: 8,
      }),
      'a length beyond what a number can count': Buffer.concat([
        Buffer.of(0x82, masked ? 0xff : 0x7f),
        Buffer.alloc(8, 0x7f),
      ]),
      'a length with its top bit set': Buffer.concat([
        Buffer.of(0x82, masked ? 0xff : 0x7f),
        Buffer.of(0x80, 0, 0, 0, 0, 0, 0, 1),
      ]),
      'the mask of the other side': frame({ opcode: BINARY, payload: small, masked: !masked }),
    };
    for (const [what, bytes] of Object.entries(MALFORMED)) {
      test(`after ${what} no boundary is claimed any more`, () => {
        for (const pieces of [[bytes], [...bytes.subarray(0, 10)].map((byte) => Buffer.of(byte))]) {
          const tracker = new WebsocketFrames(sender);
          tracker.take(frame({ opcode: TEXT, payload: Buffer.from('hello'), masked }));
          for (const piece of pieces) tracker.take(piece);
          assert.equal(tracker.lost, true);
          const sound = frame({ opcode: TEXT, payload: small, masked });
          for (let i = 0; i < 3; i += 1) {
            tracker.take(sound);
            assert.equal(tracker.atBoundary, false);
          }
          assert.equal(tracker.takeToBoundary(sound), sound.length);
        }
      });
    }
  });
}

// It is exported, but has no declaration.
const { Receiver } = ws as unknown as {
  Receiver: new (options: { isServer: boolean }) => Writable;
};

/** What a real receiver makes of some bytes. */
async function received(bytes: Buffer, isServer: boolean) {
  const receiver = new Receiver({ isServer });
  const { promise, resolve, reject } = Promise.withResolvers<unknown[]>();
  receiver.on('error', reject);
  receiver.on('conclude', (code: number, reason: Buffer) => resolve([code, String(reason)]));
  receiver.on('ping', (payload: Buffer) => resolve(['ping', payload.length]));
  receiver.write(bytes);
  return promise;
}

test('the frames that are made are what a real peer reads', async () => {
  const reason = 'the console server was stopped';
  assert.deepEqual(await received(closeFrame(1012, reason), false), [1012, reason]);
  const masked = closeFrame(1001, reason, Buffer.of(1, 2, 3, 255));
  assert.deepEqual(await received(masked, true), [1001, reason]);
  assert.deepEqual(await received(pingFrame(), false), ['ping', 0]);
});
