import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  formatProblem,
  NATIVE_FORMAT,
  PixelEncoder,
  type PixelFormat,
  readPixelFormat,
  writePixelFormat,
} from '../../src/demo/rfb-pixels.ts';

const NOVNC: PixelFormat = { ...NATIVE_FORMAT, redShift: 0, greenShift: 8, blueShift: 16 };
const RGB565: PixelFormat = {
  ...NATIVE_FORMAT,
  bitsPerPixel: 16,
  depth: 16,
  redMax: 31,
  greenMax: 63,
  blueMax: 31,
  redShift: 11,
  greenShift: 5,
  blueShift: 0,
};
const BGR233: PixelFormat = {
  ...NATIVE_FORMAT,
  bitsPerPixel: 8,
  depth: 8,
  redMax: 7,
  greenMax: 7,
  blueMax: 3,
  redShift: 0,
  greenShift: 3,
  blueShift: 6,
};

function encodeOne(format: PixelFormat, colour: number): number[] {
  const out = Buffer.alloc(format.bitsPerPixel / 8);
  const area = { x: 0, y: 0, width: 1, height: 1 };
  new PixelEncoder(format).encode(Uint32Array.of(colour), 1, area, out, 0);
  return [...out];
}

const FORMATS: readonly (readonly [string, PixelFormat, readonly number[]])[] = [
  ['the native format', NATIVE_FORMAT, [0x33, 0x80, 0xff, 0]],
  ['the native format, big-endian', { ...NATIVE_FORMAT, bigEndian: true }, [0, 0xff, 0x80, 0x33]],
  ["noVNC's format", NOVNC, [0xff, 0x80, 0x33, 0]],
  ['16 bits', RGB565, [0x06, 0xfc]],
  ['16 bits, big-endian', { ...RGB565, bigEndian: true }, [0xfc, 0x06]],
  ['8 bits', BGR233, [0b01_100_111]],
  [
    'a channel in the topmost byte',
    { ...NATIVE_FORMAT, redShift: 24, greenShift: 16, blueShift: 8 },
    [0, 0x33, 0x80, 0xff],
  ],
];

for (const [what, format, bytes] of FORMATS) {
  test(`the colour ff8033 is written in ${what}`, () => {
    assert.equal(formatProblem(format), undefined);
    assert.deepEqual(encodeOne(format, 0xff8033), bytes);
  });
}

test('only the asked area is written, row by row, at its offset', () => {
  const pixels = Uint32Array.from({ length: 12 }, (_, i) => i); // 4 wide, 3 high
  const out = Buffer.alloc(3 + 4, 0xee);
  new PixelEncoder({ ...BGR233, redMax: 0, greenMax: 0, blueMax: 255, blueShift: 0 }).encode(
    pixels,
    4,
    { x: 1, y: 1, width: 2, height: 2 },
    out,
    3,
  );
  assert.deepEqual([...out], [0xee, 0xee, 0xee, 5, 6, 9, 10]);
});

test('a pixel format survives writing and reading', () => {
  for (const [, format] of FORMATS) {
    assert.deepEqual(readPixelFormat(writePixelFormat(format), 0), format);
  }
});

const UNFIT: readonly (readonly [string, Partial<PixelFormat>, RegExp])[] = [
  ['a colour map', { trueColour: false }, /colour maps/],
  ['pixels of 24 bits', { bitsPerPixel: 24 }, /24 bits/],
  ['pixels of no bits', { bitsPerPixel: 0 }, /0 bits/],
  ['a shift out of the pixel', { redShift: 25 }, /beyond the 32 bits/],
  ['the greatest shift', { blueShift: 255 }, /beyond the 32 bits/],
  ['a maximum that does not fit', { bitsPerPixel: 8 }, /beyond the 8 bits/],
];

for (const [what, change, problem] of UNFIT) {
  test(`a format with ${what} is found unfit`, () => {
    assert.match(formatProblem({ ...NATIVE_FORMAT, ...change }) ?? '', problem);
  });
}
