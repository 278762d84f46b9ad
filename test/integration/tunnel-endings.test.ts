import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import { binary, closing, frame, readFrames } from '../support/frames.ts';
import { unsentOn } from '../support/send-queues.ts';
import {
  openClient,
  openRawTunnel,
  startRawConsole,
  startRelay,
  type TestRelay,
} from '../support/tunnels.ts';
import { until } from '../support/until.ts';

const CLOSE = 0x8;

async function stage(t: TestContext, options: Parameters<typeof startRelay>[2] = {}) {
  const backend = await startRawConsole(t);
  const relay = await startRelay(t, [backend.port], options);
  return { backend, relay };
}

/** Everything is given back. */
async function atRest({ relay, pool }: TestRelay): Promise<void> {
  await until(
    'nothing is held',
    () => relay.tunnels === 0 && pool.backends[0]!.active === 0,
    4_000,
  );
}

/** The frames of a client's bytes: all but the last, and the last, which has to be a close frame. */
function endOf(bytes: Buffer) {
  const { frames, rest } = readFrames(bytes);
  assert.equal(rest.length, 0, 'a frame broke off');
  const last = frames.at(-1)!;
  assert.equal(last.opcode, CLOSE);
  return { before: frames.slice(0, -1), ...closing(last), masked: last.masked };
}

/** Writes as fast as the other side takes it, until the socket is gone. */
function flood(socket: Socket, bytes: Buffer): void {
  const more = () => {
    while (socket.writable && socket.write(bytes));
  };
  socket.on('drain', more);
  more();
}

/** Sends until nothing of it is taken any more. */
async function sendUntilHeldUp(socket: WebSocket): Promise<void> {
  await until('it is held up', async () => {
    if (socket.bufferedAmount < 8_000_000) {
      socket.send(Buffer.alloc(1_000_000));
      return false;
    }
    const before = socket.bufferedAmount;
    await delay(50);
    return socket.bufferedAmount === before;
  });
}

describe('when the backend of a tunnel is gone', () => {
  test('without a close frame, the client is told 1012 and closes cleanly', async (t) => {
    const { backend, relay } = await stage(t);
    const { closed } = await openClient(t, relay.port);
    const console = await backend.next();
    console.write(binary(100));
    console.socket.end();
    assert.deepEqual(await closed, {
      code: 1012,
      reason: 'the console server was stopped',
      wasClean: true,
    });
    await atRest(relay);
    assert.equal(relay.closed[0]?.code, 1012);
  });

  test('by a reset, the client is told 1014 and closes cleanly', async (t) => {
    const { backend, relay } = await stage(t);
    const { closed } = await openClient(t, relay.port);
    const console = await backend.next();
    console.socket.resetAndDestroy();
    assert.deepEqual(await closed, {
      code: 1014,
      reason: 'the connection to the console server broke',
      wasClean: true,
    });
    await atRest(relay);
  });

  test('its own close frame passes unchanged, and nothing is added', async (t) => {
    const { backend, relay } = await stage(t);
    for (const payload of [
      Buffer.alloc(0),
      Buffer.from('\x03\xe8bye', 'latin1'),
      Buffer.of(3, 237),
    ]) {
      const { client, console } = await openRawTunnel(t, relay.port, backend);
      const own = frame({ opcode: CLOSE, payload });
      console.write(binary(10));
      console.write(own);
      console.socket.end();
      assert.deepEqual(await client.all(), Buffer.concat([binary(10), own]));
      client.socket.end();
      await atRest(relay);
    }
    assert.deepEqual(
      relay.closed.map(({ code }) => code),
      [undefined, undefined, undefined],
    );
  });

  for (const leaving of ['end', 'reset'] as const) {
    test(`within a frame (${leaving}), nothing is put into that frame`, async (t) => {
      const { backend, relay } = await stage(t);
      const { client, console } = await openRawTunnel(t, relay.port, backend);
      const half = binary(50_000).subarray(0, 30_000);
      console.write(half);
      await client.has(half.length);
      if (leaving === 'end') console.socket.end();
      else console.socket.resetAndDestroy();
      assert.ok((await client.all()).equals(half));
      client.socket.end();
      await atRest(relay);
    });

    test(`within a frame's header (${leaving}), nothing is put into it`, async (t) => {
      const { backend, relay } = await stage(t);
      const { client, console } = await openRawTunnel(t, relay.port, backend);
      console.write(binary(50_000).subarray(0, 3));
      await client.has(3);
      if (leaving === 'end') console.socket.end();
      else console.socket.resetAndDestroy();
      assert.equal((await client.all()).length, 3);
      client.socket.end();
      await atRest(relay);
    });
  }

  test('after the client has left, nobody is told anything', async (t) => {
    const { backend, relay } = await stage(t);
    const { client, console } = await openRawTunnel(t, relay.port, backend);
    client.socket.end();
    await console.all();
    console.socket.end();
    assert.equal((await client.all()).length, 0);
    await atRest(relay);
  });

  test('what is no websocket passes as it is, to its end', async (t) => {
    const { backend, relay } = await stage(t);
    const { client, console } = await openRawTunnel(t, relay.port, backend);
    console.write(Buffer.from('RFB 003.008\n'));
    await client.has(12);
    client.write(Buffer.from('RFB 003.008\n'));
    await console.has(12);
    console.socket.end();
    assert.equal(String(await client.all()), 'RFB 003.008\n');
    client.socket.end();
    await atRest(relay);
  });

  test('bytes that came with the answer count as frames too', async (t) => {
    const backend = await startRawConsole(t, binary(300).subarray(0, 100));
    const relay = await startRelay(t, [backend.port]);
    const { client, console } = await openRawTunnel(t, relay.port, backend);
    console.write(binary(300).subarray(100));
    console.socket.end();
    await client.has(binary(300).length + 1);
    client.write(frame({ opcode: CLOSE, payload: Buffer.of(3, 244), masked: true }));
    const { before, code } = endOf(await client.all());
    assert.deepEqual([before.length, code], [1, 1012]);
  });

  test('compressed frames have passed as they are, and hid no close frame', async (t) => {
    const { backend, relay } = await stage(t);
    const { client, console } = await openRawTunnel(t, relay.port, backend);
    // RSV1 of RFC 7692; payloads that look like close frames, and one that nobody can unpack.
    const alike = Buffer.alloc(300, Buffer.of(0x88, 2, 3, 232));
    const payloads = [alike, Buffer.alloc(70_000, 0xff), Buffer.alloc(0)];
    const frames = Buffer.concat(payloads.map((payload) => frame({ opcode: 2, rsv: 4, payload })));
    console.write(frames.subarray(0, 5_000));
    await client.has(5_000);
    console.write(frames.subarray(5_000));
    console.socket.end();
    assert.ok((await client.has(frames.length + 1)).subarray(0, frames.length).equals(frames));
    client.write(frame({ opcode: CLOSE, payload: Buffer.of(3, 244), masked: true }));
    const { before, code } = endOf(await client.all());
    assert.deepEqual([before.length, code], [3, 1012]);
  });

  test('that takes nothing any more, the client is told 1014 and closes cleanly', async (t) => {
    const { backend, relay } = await stage(t, { timeouts: { serverMs: 300 } });
    const { socket, closed } = await openClient(t, relay.port);
    const console = await backend.next();
    console.socket.pause();
    await sendUntilHeldUp(socket);
    assert.deepEqual(await closed, {
      code: 1014,
      reason: 'the console server takes nothing any more',
      wasClean: true,
    });
    await atRest(relay);
  });

  test('while much was on its way to it, the client is told all the same', async (t) => {
    const { backend, relay } = await stage(t);
    const { socket, closed } = await openClient(t, relay.port);
    const console = await backend.next();
    console.socket.pause();
    await sendUntilHeldUp(socket);
    console.socket.resetAndDestroy();
    const { code, wasClean } = await closed;
    assert.deepEqual([code, wasClean], [1014, true]);
    await atRest(relay);
  });
});

describe('when the gateway ends a tunnel', () => {
  test('both sides get a close frame, masked to the backend, and TCP ends after their own', async (t) => {
    const { backend, relay } = await stage(t);
    const { client, console } = await openRawTunnel(t, relay.port, backend);
    console.write(binary(7));
    client.write(frame({ opcode: 2, payload: Buffer.from('keys'), masked: true }));
    await client.has(9);
    await console.has(10);
    relay.relay.retire(0);
    const [toClient, toConsole] = [await client.has(9 + 4), await console.has(10 + 8)];
    assert.deepEqual(closing(readFrames(toClient).frames[1]!).code, 1001);
    const told = readFrames(toConsole).frames[1]!;
    assert.deepEqual([told.masked, closing(told).code], [true, 1001]);
    assert.equal(client.socket.readableEnded, false, 'TCP is open until the client has closed');
    client.write(frame({ opcode: CLOSE, payload: Buffer.of(3, 233), masked: true }));
    await client.all();
    assert.equal(console.socket.readableEnded, false, 'and the other one for the backend');
    console.write(frame({ opcode: CLOSE, payload: Buffer.of(3, 233) }));
    await console.all();
    await atRest(relay);
  });

  test('a frame that is under way is completed before, and what follows it is dropped', async (t) => {
    const { backend, relay } = await stage(t);
    const { client, console } = await openRawTunnel(t, relay.port, backend);
    const frames = Buffer.concat([binary(40_000), binary(70_000), binary(5)]);
    const cut = 60_000;
    console.write(frames.subarray(0, cut));
    const typed = frame({ opcode: 2, payload: Buffer.alloc(200, 1), masked: true });
    client.write(typed.subarray(0, 100));
    await client.has(cut);
    await console.has(100);
    relay.relay.retire(0);
    // Until then nothing of it may be seen: the boundary is not there yet.
    console.write(frames.subarray(cut, cut + 10_000));
    await client.has(cut + 10_000);
    assert.ok(client.bytes.equals(frames.subarray(0, cut + 10_000)));
    console.write(frames.subarray(cut + 10_000));
    client.write(typed.subarray(100));
    client.write(typed);
    client.write(frame({ opcode: CLOSE, payload: Buffer.of(3, 233), masked: true }));
    const told = endOf(await client.all());
    assert.deepEqual(
      [told.before.map(({ payload }) => payload.length), told.code],
      [[40_000, 70_000], 1001],
    );
    console.write(frame({ opcode: CLOSE, payload: Buffer.of(3, 233) }));
    const typing = endOf(await console.all());
    assert.deepEqual([typing.before.length, typing.masked, typing.code], [1, true, 1001]);
    await atRest(relay);
  });

  test('a frame that is never completed is waited for two seconds, then both sides are cut', async (t) => {
    const { backend, relay } = await stage(t);
    const { client, console } = await openRawTunnel(t, relay.port, backend);
    const half = binary(50_000).subarray(0, 20_000);
    console.write(half);
    await client.has(half.length);
    const began = performance.now();
    relay.relay.retire(0);
    assert.ok((await client.all()).equals(half));
    const took = performance.now() - began;
    assert.ok(took >= 1_900 && took < 3_500, `${took} ms`);
    await atRest(relay);
  });

  test('a client that has closed already gets its answer, and no second close frame', async (t) => {
    const { backend, relay } = await stage(t);
    const { client, console } = await openRawTunnel(t, relay.port, backend);
    const goodbye = frame({ opcode: CLOSE, payload: Buffer.of(3, 232), masked: true });
    client.write(goodbye);
    await console.has(goodbye.length);
    relay.relay.retire(0);
    assert.equal(endOf(await client.all()).code, 1001);
    assert.equal(console.bytes.length, goodbye.length);
    console.socket.end();
    await atRest(relay);
  });

  test('who floods or never reads meanwhile is cut, and next to nothing is kept for it', async (t) => {
    const { backend, relay } = await stage(t);
    const flooding = await openRawTunnel(t, relay.port, backend);
    const deaf = await openRawTunnel(t, relay.port, backend);
    deaf.client.socket.pause();
    flood(deaf.console.socket, binary(65_000));
    const keys = frame({ opcode: 2, payload: Buffer.alloc(65_000), masked: true });
    flood(flooding.client.socket, keys);
    await until('the deaf one holds its backend up', () => deaf.console.socket.writableNeedDrain);
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, ...relay.clients.map(unsentOn));
    }, 5);
    t.after(() => clearInterval(watch));
    relay.relay.retire(0);
    await atRest(relay);
    assert.ok(most < 200_000, `${most} bytes`);
    assert.deepEqual(
      relay.closed.map(({ code }) => code),
      [1001, 1001],
    );
  });
});

test('a client that is gone within a frame leaves its backend with what came of it, and nothing else', async (t) => {
  const { backend, relay } = await stage(t);
  const { client, console } = await openRawTunnel(t, relay.port, backend);
  const half = frame({ opcode: 2, payload: Buffer.alloc(5_000), masked: true }).subarray(0, 3_000);
  client.write(half);
  await console.has(half.length);
  client.socket.resetAndDestroy();
  assert.ok((await console.all()).equals(half));
  console.socket.end();
  await atRest(relay);
  assert.equal(relay.closed[0]?.code, undefined);
});

test('a client that takes nothing is given up, even if it sends all the time', async (t) => {
  const { backend, relay } = await stage(t, { timeouts: { clientMs: 300 } });
  const { client, console } = await openRawTunnel(t, relay.port, backend);
  client.socket.pause();
  flood(console.socket, binary(50_000));
  const typing = setInterval(() => {
    client.write(frame({ opcode: 2, payload: Buffer.from('keys'), masked: true }));
  }, 20);
  t.after(() => clearInterval(typing));
  await until('it is given up', () => relay.closed.length === 1);
  assert.equal(relay.closed[0]?.termination, 'cD');
});

test('a client that half-closes takes its backend along', async (t) => {
  const { backend, relay } = await stage(t);
  const { client, console } = await openRawTunnel(t, relay.port, backend);
  client.socket.end();
  await once(console.socket, 'end');
  console.write(binary(10));
  await client.has(12);
  console.socket.end();
  assert.equal((await client.all()).length, 12);
  await atRest(relay);
});

test('a frame under way to a client that has closed its side is completed before the gateway ends it', async (t) => {
  const { backend, relay } = await stage(t);
  const { client, console } = await openRawTunnel(t, relay.port, backend);
  const whole = binary(50_000);
  console.write(whole.subarray(0, 20_000));
  await client.has(20_000);
  client.socket.end();
  await once(console.socket, 'end');
  relay.relay.endTunnel(relay.relay.viewTunnels(1)[0]!.number);
  await delay(100);
  console.write(whole.subarray(20_000));
  const { before } = endOf(await client.all());
  assert.deepEqual(
    before.map(({ payload }) => payload.length),
    [50_000],
  );
});
