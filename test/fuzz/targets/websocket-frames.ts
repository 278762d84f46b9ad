import { type FrameSender, WebsocketFrames } from '../../../src/relay/websocket-frames.ts';
import type { Dice } from '../engine/dice.ts';
import { Finding, type Target } from '../engine/target.ts';
import { readInPieces } from '../oracles/splits.ts';

/** What is known of frames after some bytes. */
interface State {
  readonly atBoundary: boolean;
  readonly lost: boolean;
  readonly closing: boolean;
}

export const target: Target = {
  oracle: 'a reader to the letter of RFC 6455; itself, split',
  dictionary: [
    '\x81\x03abc',
    '\x81\x83\0\0\0\0abc',
    '\x82\x7e\0\x7e',
    '\x82\x7f\0\0\0\0\0\x01\0\0',
    '\x82\xfe\0\x80',
    '\x89\0',
    '\x88\x02\x03\xe8',
    '\x88\x82\0\0\0\0\x03\xe8',
    '\x01',
    '\x80',
    '\xff',
  ],
  seeds: [
    'S\x81\x03abc',
    'C\x81\x83\0\0\0\0abc',
    'S\x89\0\x88\x02\x03\xe8',
    `S\x82\x7e\0\x7e${'x'.repeat(126)}`,
  ],
  generate,
  open: () => ({ check }),
};

function check(input: Buffer, dice: Dice): string {
  const sender: FrameSender = input[0] === 0x43 ? 'client' : 'server';
  const bytes = Buffer.from(input.subarray(1));
  const state = readInPieces(bytes, dice, (chunks) => {
    const frames = new WebsocketFrames(sender);
    for (const chunk of chunks) frames.take(chunk);
    return stateOf(frames);
  });
  const expected = readByTheLetter(bytes, sender === 'client');
  if (JSON.stringify(state) !== JSON.stringify(expected.state)) {
    throw new Finding('RFC 6455 has other frames', JSON.stringify([state, expected]));
  }
  checkBoundaries(bytes, sender);
  return `${sender} ${JSON.stringify(state)} ${Math.min(expected.frames, 5)} ${expected.why}`;
}

/** Steps from boundary to boundary come to where all bytes at once come to. */
function checkBoundaries(bytes: Buffer, sender: FrameSender): void {
  const stepped = new WebsocketFrames(sender);
  const atOnce = new WebsocketFrames(sender);
  atOnce.take(bytes);
  let at = 0;
  while (at < bytes.length) {
    // A boundary is left by the first byte of the next frame.
    stepped.take(bytes.subarray(at, at + 1));
    at += 1;
    const taken = stepped.takeToBoundary(bytes.subarray(at));
    if (taken < 0 || taken > bytes.length - at) throw new Finding('a step leaves the bytes');
    if (at + taken < bytes.length && !stepped.atBoundary) throw new Finding('a step ends early');
    at += taken;
  }
  if (JSON.stringify(stateOf(stepped)) !== JSON.stringify(stateOf(atOnce))) {
    throw new Finding(
      'steps change the outcome',
      JSON.stringify([stateOf(stepped), stateOf(atOnce)]),
    );
  }
}

function stateOf({ atBoundary, lost, closing }: WebsocketFrames): State {
  return { atBoundary, lost, closing };
}

/** RFC 6455 §5.2, one frame after the other. */
function readByTheLetter(
  bytes: Buffer,
  masked: boolean,
): { state: State; frames: number; why: string } {
  let closing = false;
  let at = 0;
  for (let frames = 0; ; frames += 1) {
    const result = (atBoundary: boolean, lost: boolean, why: string) => ({
      state: { atBoundary, lost, closing },
      frames,
      why,
    });
    if (at === bytes.length) return result(true, false, 'boundary');
    const [first = 0, second] = bytes.subarray(at, at + 2);
    if (second === undefined) return result(false, false, 'second byte');
    const opcode = first & 0xf;
    const control = opcode >= 8;
    let length = BigInt(second & 0x7f);
    if (second >> 7 !== Number(masked)) return result(false, true, 'mask');
    if ((opcode > 2 && opcode < 8) || opcode > 0xa) return result(false, true, 'opcode');
    if (control && (first < 0x80 || length > 125)) return result(false, true, 'control');
    let head = 2;
    if (length >= 126) {
      const size = length === 126n ? 2 : 8;
      const field = bytes.subarray(at + 2, at + 2 + size);
      if (field.length < size) return result(false, false, 'length');
      length = BigInt(`0x${field.toString('hex')}`);
      if (length < (size === 2 ? 126n : 65_536n)) return result(false, true, 'longer than needed');
      // Nobody sends so much: the frames are given up where numbers are not exact any more.
      if (length > 2n ** 53n - 5n) return result(false, true, 'too long');
      head += size;
    }
    if (opcode === 8) closing = true;
    const end = BigInt(at + head + (masked ? 4 : 0)) + length;
    if (end > BigInt(bytes.length)) return result(false, false, 'payload');
    at = Number(end);
  }
}

/** Frames one after the other, most of them sound. */
function generate(dice: Dice): Buffer {
  const masked = dice.chance(0.5);
  const parts = [Buffer.from(masked ? 'C' : 'S')];
  for (let left = 1 + dice.below(6); left > 0; left -= 1) {
    const first = dice.pick([
      0x81,
      0x82,
      0x01,
      0x80,
      0xc1,
      0x89,
      0x8a,
      0x88,
      0x82,
      0x82,
      dice.below(256),
    ]);
    const length = dice.pick([0, 1, 5, 124, 125, 126, 127, 300]);
    const short = length > 125 ? 126 : length;
    parts.push(Buffer.of(first, short | (masked ? 0x80 : 0)));
    if (length > 125) parts.push(Buffer.of(length >> 8, length & 0xff));
    parts.push(Buffer.alloc(length + (masked ? 4 : 0), dice.pick(['x', '\x81', '\x88\0'])));
  }
  return Buffer.concat(parts);
}
