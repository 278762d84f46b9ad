import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { NATIVE_FORMAT, writePixelFormat } from '../../src/demo/rfb-pixels.ts';
import { RfbViewer, startConsole } from '../support/rfb-viewer.ts';

const WIDTH = 640;
const HEIGHT = 400;

const UPGRADE = Buffer.from(
  'GET /?token=tok-1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
);

function connectRaw(t: TestContext, port: number): Socket {
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  return socket;
}

async function openViewer(t: TestContext) {
  const running = await startConsole(t);
  const viewer = await new RfbViewer(`ws://127.0.0.1:${running.port}/?token=tok-1`).opened();
  return { running, viewer };
}

test('the handshake is RFB 3.8 without authentication, and the desktop bears the name', async (t) => {
  const { viewer } = await openViewer(t);
  assert.equal((await viewer.read(12)).toString(), 'RFB 003.008\n');
  viewer.send(Buffer.from('RFB 003.008\n'));
  assert.deepEqual([...(await viewer.read(2))], [1, 1]);
  viewer.send([1]);
  assert.deepEqual([...(await viewer.read(4))], [0, 0, 0, 0]);
  viewer.send([0]);
  const init = await viewer.read(24);
  assert.equal(init.readUInt16BE(0), WIDTH);
  assert.equal(init.readUInt16BE(2), HEIGHT);
  assert.deepEqual(init.subarray(4, 20), writePixelFormat(NATIVE_FORMAT));
  const name = await viewer.read(init.readUInt32BE(20));
  assert.equal(name.toString(), 'Dashgate console console-1');
});

test('a whole update brings the screen, and incremental ones bring what moves', async (t) => {
  const { viewer } = await openViewer(t);
  await viewer.handshake();
  viewer.request(false, WIDTH, HEIGHT);
  const [whole, ...others] = await viewer.update();
  assert.equal(others.length, 0);
  assert.deepEqual(
    [whole?.x, whole?.y, whole?.width, whole?.height, whole?.encoding],
    [0, 0, WIDTH, HEIGHT, 0],
  );
  assert.equal(whole?.pixels.readUInt32LE(0), 0x172231, 'the header bar is in the corner');
  assert.equal(whole?.pixels.readUInt32LE((60 * WIDTH + 2) * 4), 0x0f1620, 'then the background');

  viewer.request(true, WIDTH, HEIGHT);
  const changes = await viewer.update();
  const changed = changes.reduce((sum, { width, height }) => sum + width * height, 0);
  assert.ok(changed > 0 && changed < (WIDTH * HEIGHT) / 4, `${changed} pixels changed`);
});

test("pixels come in the viewer's own format once it is set", async (t) => {
  const { viewer } = await openViewer(t);
  await viewer.handshake();
  const bgr = { ...NATIVE_FORMAT, redShift: 0, greenShift: 8, blueShift: 16 };
  const rgb565 = {
    ...NATIVE_FORMAT,
    bitsPerPixel: 16,
    depth: 16,
    redMax: 31,
    greenMax: 63,
    blueMax: 31,
    redShift: 11,
    greenShift: 5,
  };
  viewer.send([0, 0, 0, 0], writePixelFormat(bgr));
  viewer.request(false, 1, 1);
  assert.deepEqual([...(await viewer.update())[0]!.pixels], [0x17, 0x22, 0x31, 0]);
  viewer.send([0, 0, 0, 0], writePixelFormat(rgb565));
  viewer.request(false, 1, 1);
  const [pixel] = await viewer.update(2);
  assert.equal(pixel?.pixels.readUInt16LE(0), (3 << 11) | (8 << 5) | 6);
});

test('nothing is sent that was not asked for', async (t) => {
  const { viewer } = await openViewer(t);
  await viewer.handshake();
  viewer.request(false, 4, 4);
  await viewer.update();
  // A ping is answered behind everything that was sent before it.
  viewer.send([6, 0, 0, 0, 0, 0, 0, 2, 65, 66]);
  viewer.socket.ping();
  await once(viewer.socket, 'pong');
  viewer.request(false, 8, 2);
  const [next] = await viewer.update();
  assert.deepEqual([next?.width, next?.height], [8, 2]);
});

test('requests that come faster than pictures are answered together by one whole picture', async (t) => {
  const { viewer } = await openViewer(t);
  await viewer.handshake();
  const request = [3, 0, 0, 0, 0, 0, WIDTH >> 8, WIDTH & 255, HEIGHT >> 8, HEIGHT & 255];
  viewer.send(...Array.from({ length: 200 }, () => request));
  const first = await viewer.update();
  const second = await viewer.update();
  for (const [picture, ...others] of [first, second]) {
    assert.deepEqual([picture?.width, picture?.height, others.length], [WIDTH, HEIGHT, 0]);
  }
  viewer.request(false, 1, 1);
  const [third] = await viewer.update();
  assert.equal(third?.width, 1, 'no third picture was left over from the 200 requests');
});

test('messages split over many frames, and many in one frame, are understood', async (t) => {
  const { viewer } = await openViewer(t);
  await viewer.read(12);
  const words = Buffer.concat([
    Buffer.from('RFB 003.008\n\x01\x01', 'latin1'),
    Buffer.from([2, 0, 0, 1, 0, 0, 0, 0]),
    Buffer.from([3, 0, 0, 0, 0, 0, 0, 2, 0, 2]),
  ]);
  for (const byte of words.subarray(0, -5)) viewer.send([byte]);
  viewer.send(words.subarray(-5), [4, 1, 0, 0, 0, 0, 0, 65], [5, 0, 0, 9, 0, 9]);
  await viewer.read(2 + 4 + 24 + 'Dashgate console console-1'.length);
  const [square] = await viewer.update();
  assert.deepEqual([square?.width, square?.height], [2, 2]);
});

test('the pointer and what is typed appear in the picture', async (t) => {
  const { viewer } = await openViewer(t);
  await viewer.handshake();
  const screen = async () => {
    viewer.request(false, WIDTH, HEIGHT);
    return (await viewer.update())[0]!.pixels;
  };
  const rowsOf = (pixels: Buffer, from: number, to: number) =>
    pixels.subarray(from * WIDTH * 4, to * WIDTH * 4);
  const before = await screen();
  viewer.send([4, 1, 0, 0, 0, 0, 0, 0x48]);
  const typed = await screen();
  assert.ok(!rowsOf(typed, 334, 380).equals(rowsOf(before, 334, 380)), 'a key changes the echo');
  viewer.send([5, 0, 0, 10, 1, 0x7c]); // x 10, y 380: a corner where nothing else is drawn
  const pointed = await screen();
  assert.equal(pointed.readUInt32LE((380 * WIDTH + 10) * 4), 0xe6edf5);
});

test('what a viewer says while its token is checked is heard afterwards', async (t) => {
  const { port } = await startConsole(t, {
    checkToken: async () => {
      for (let turn = 0; turn < 20; turn++) await nextTurn();
      return true;
    },
  });
  const words = Buffer.from('RFB 003.008\n\x01\x01', 'latin1');
  const frame = Buffer.from([0x82, 0x80 | words.length, 0, 0, 0, 0, ...words]); // masked by zeros
  const raw = connectRaw(t, port);
  raw.write(Buffer.concat([UPGRADE, frame]));
  let answer = '';
  for await (const chunk of raw) {
    answer += (chunk as Buffer).toString('latin1');
    if (answer.includes('Dashgate console console-1')) return;
  }
  assert.fail('the connection ended before ServerInit');
});

const GARBAGE: readonly (readonly [string, readonly number[] | string, RegExp])[] = [
  ['another protocol', 'GET / HTTP/1.1\r\n\r\n', /only RFB 003.008/],
  ['another version of RFB', 'RFB 003.003\n', /only RFB 003.008/],
  ['a security type that was not offered', 'RFB 003.008\n\x02', /security type 2/],
  ['an unknown message', 'RFB 003.008\n\x01\x01\xff', /type 255/],
  ['an endless clipboard', 'RFB 003.008\n\x01\x01\x06\0\0\0\x7f\0\0\0', /too long/],
  ['a colour map', `RFB 003.008\n\x01\x01${'\0'.repeat(20)}`, /colour maps/],
];

for (const [what, bytes, reason] of GARBAGE) {
  test(`${what} is answered by close code 1002, and the console goes on for others`, async (t) => {
    const { running, viewer } = await openViewer(t);
    viewer.send(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
    const closed = await viewer.closed;
    assert.equal(closed.code, 1002);
    assert.match(closed.reason, reason);
    const other = await new RfbViewer(`ws://127.0.0.1:${running.port}/?token=tok-1`).opened();
    assert.equal((await other.handshake()).name, 'Dashgate console console-1');
  });
}

test('a text frame closes with 1002 and an oversized message with 1009', async (t) => {
  const { running, viewer } = await openViewer(t);
  viewer.socket.send('RFB 003.008\n');
  assert.deepEqual(await viewer.closed, { code: 1002, reason: 'RFB travels in binary frames' });
  const other = await new RfbViewer(`ws://127.0.0.1:${running.port}/?token=tok-1`).opened();
  other.send(Buffer.alloc(256 * 1024 + 1));
  assert.equal((await other.closed).code, 1009);
});

test('bytes that are no websocket frames end the connection, and no other', async (t) => {
  const { running, viewer } = await openViewer(t);
  const raw = connectRaw(t, running.port);
  raw.write(Buffer.concat([UPGRADE, Buffer.from([0xff, 0xff, 0xff])]));
  const [answer] = (await once(raw, 'data')) as [Buffer];
  assert.match(answer.toString('latin1'), /^HTTP\/1\.1 101 /);
  raw.resume();
  await once(raw, 'close');
  assert.equal((await viewer.handshake()).name, 'Dashgate console console-1');
});

test('closing the console ends every viewer with 1001', async (t) => {
  const { running, viewer } = await openViewer(t);
  await viewer.handshake();
  running.close();
  assert.equal((await viewer.closed).code, 1001);
});
