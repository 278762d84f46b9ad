import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConsolePicture, SCREEN_HEIGHT, SCREEN_WIDTH } from '../../src/demo/rfb-picture.ts';
import { type Area, NATIVE_FORMAT, PixelEncoder } from '../../src/demo/rfb-pixels.ts';
import { Raster } from '../../src/demo/rfb-raster.ts';
import { clip, UpdateWriter } from '../../src/demo/rfb-updates.ts';

const encoder = new PixelEncoder(NATIVE_FORMAT);

/** What a viewer does with an update in the native format; gives the rectangles. */
function apply(update: Buffer, screen: Raster): Area[] {
  assert.equal(update.readUInt8(0), 0);
  let at = 4;
  const areas = Array.from({ length: update.readUInt16BE(2) }, () => {
    const [x, y, width, height] = [0, 2, 4, 6].map((i) => update.readUInt16BE(at + i)) as [
      number,
      number,
      number,
      number,
    ];
    assert.equal(update.readInt32BE(at + 8), 0, 'Raw');
    at += 12;
    for (let i = 0; i < width * height; i++, at += 4) {
      const place = (y + Math.floor(i / width)) * screen.width + x + (i % width);
      screen.pixels[place] = update.readUInt32LE(at);
    }
    return { x, y, width, height };
  });
  assert.equal(at, update.length, 'the update ends with its last rectangle');
  return areas;
}

test('a whole update is one rectangle of the asked area, cut to the screen', () => {
  const raster = new Raster(40, 20);
  raster.fill(30, 10, 10, 10, 0x123456);
  const screen = new Raster(40, 20);
  const update = new UpdateWriter(raster).write(
    { x: 30, y: 5, width: 500, height: 65535 },
    false,
    encoder,
  );
  assert.deepEqual(apply(update!, screen), [{ x: 30, y: 5, width: 10, height: 15 }]);
  assert.equal(screen.pixels[10 * 40 + 30], 0x123456);
});

test('the first incremental update brings everything, the next one nothing', () => {
  const raster = new Raster(40, 20);
  const writer = new UpdateWriter(raster);
  const all = { x: 0, y: 0, width: 40, height: 20 };
  const areas = apply(writer.write(all, true, encoder)!, new Raster(40, 20));
  assert.equal(
    areas.reduce((sum, { width, height }) => sum + width * height, 0),
    800,
  );
  assert.equal(writer.write(all, true, encoder), undefined);
});

test('an incremental update brings only what changed, inside of the asked area', () => {
  const raster = new Raster(64, 64);
  const writer = new UpdateWriter(raster);
  const all = { x: 0, y: 0, width: 64, height: 64 };
  writer.write(all, false, encoder);
  raster.fill(17, 17, 20, 1, 0xffffff);
  raster.fill(0, 63, 1, 1, 0xffffff);
  const upper = { x: 0, y: 0, width: 30, height: 30 };
  assert.deepEqual(apply(writer.write(upper, true, encoder)!, new Raster(64, 64)), [
    { x: 16, y: 16, width: 14, height: 14 },
  ]);
  assert.deepEqual(apply(writer.write(all, true, encoder)!, new Raster(64, 64)), [
    { x: 16, y: 16, width: 32, height: 16 },
    { x: 0, y: 48, width: 16, height: 16 },
  ]);
});

test('an area outside of the screen gets no update', () => {
  const writer = new UpdateWriter(new Raster(40, 20));
  for (const area of [
    { x: 40, y: 0, width: 10, height: 10 },
    { x: 0, y: 0, width: 0, height: 20 },
    { x: 65535, y: 65535, width: 65535, height: 65535 },
  ]) {
    assert.equal(writer.write(area, false, encoder), undefined);
    assert.equal(writer.write(area, true, encoder), undefined);
  }
});

test('a viewer that applies every update sees the moving picture exactly', () => {
  const picture = new ConsolePicture('console-1');
  const writer = new UpdateWriter(picture.raster);
  const screen = new Raster(SCREEN_WIDTH, SCREEN_HEIGHT);
  const all = { x: 0, y: 0, width: SCREEN_WIDTH, height: SCREEN_HEIGHT };
  let incrementalBytes = 0;
  for (let frame = 0; frame < 20; frame++) {
    picture.pointer(frame * 40, frame * 25, frame % 2);
    picture.key(0x41 + frame);
    picture.draw(1_700_000_000_000 + frame * 125);
    const update = writer.write(all, frame > 0, encoder);
    assert.ok(update !== undefined, `frame ${frame} moves`);
    if (frame > 0) incrementalBytes += update.length;
    apply(update, screen);
    assert.deepEqual(screen.pixels, picture.raster.pixels);
  }
  assert.ok(incrementalBytes / 19 < (SCREEN_WIDTH * SCREEN_HEIGHT * 4) / 8, 'small updates');
});

test('two consoles draw different pictures, whatever their names hold', () => {
  const pictures = ['console-12', 'console-21', 'ÄÖ 漢字 \u{1f5a5}', ''].map((name) => {
    const picture = new ConsolePicture(name);
    picture.draw(0);
    return Buffer.from(picture.raster.pixels.buffer).toString('latin1');
  });
  assert.equal(new Set(pictures).size, pictures.length);
});

test('clipping gives the common part of two areas', () => {
  const bounds = { x: 10, y: 10, width: 20, height: 20 };
  const clipped = (x: number, y: number, width: number, height: number) => {
    const area = clip({ x, y, width, height }, bounds);
    return [area.x, area.y, area.width, area.height];
  };
  assert.deepEqual(clipped(0, 15, 15, 100), [10, 15, 5, 15]);
  assert.deepEqual(clipped(15, 0, 100, 15), [15, 10, 15, 5]);
  assert.deepEqual(clipped(0, 0, 10, 10).slice(2), [0, 0]);
});
