import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { issue } from '../support/certificates.ts';
import { binary, frame, readFrames } from '../support/frames.ts';
import { startTestGateway, temporaryFolder } from '../support/gateway.ts';
import { contextsOf } from '../support/listener.ts';
import { unsentOn } from '../support/send-queues.ts';
import {
  openClient,
  openRawTunnel,
  type RawConsole,
  startRawConsole,
  startRelay,
  type TestRelay,
} from '../support/tunnels.ts';
import { until } from '../support/until.ts';
import { openWebSocket, startWebSocketBackend } from '../support/websocket.ts';

const HOUR = 3_600_000;
const STEP_MS = 100;
const DRAINED = {
  code: 1001,
  reason: 'the console server is taken out of service',
  wasClean: true,
};
/** A deadline is noticed two ticks late at most, and the sweep sees a drain half a second late. */
const LATE_MS = 1_000;

/** A relay whose time goes by only where the test says so. */
async function stage(t: TestContext, options: Parameters<typeof startRelay>[2] = {}, backends = 1) {
  t.mock.timers.enable({ apis: ['setInterval', 'Date'] });
  const consoles: RawConsole[] = [];
  for (let i = 0; i < backends; i += 1) consoles.push(await startRawConsole(t));
  const ports = consoles.map(({ port }) => port);
  const relay = await startRelay(t, ports, { clock: () => Date.now(), ...options });
  // A single step would be a process that stood still meanwhile.
  const pass = (ms: number) => {
    for (let passed = 0; passed < ms; passed += STEP_MS) t.mock.timers.tick(STEP_MS);
  };
  return { relay, consoles, pass };
}

/** A message goes from the backend to the client: the tunnel lives. */
async function assertLives(socket: WebSocket, console: { write(bytes: Buffer): void }) {
  const message = once(socket, 'message');
  console.write(binary(3));
  assert.equal(((await message)[0] as Buffer).length, 3);
}

function setState({ pool }: TestRelay, name: string, state: 'ready' | 'drain' | 'maint') {
  pool.backends.find((backend) => backend.name === name)!.adminState = state;
}

describe('a backend that is drained', () => {
  test('takes no new websocket, keeps those it has for DRAIN_TIMEOUT, then closes them with 1001', async (t) => {
    const { relay, consoles, pass } = await stage(t, { tunnelLimits: { drainMs: 600_000 } }, 2);
    const [one, two] = consoles as [RawConsole, RawConsole];
    const staying = await openClient(t, relay.port);
    const served = await one.next();
    setState(relay, `127.0.0.1:${one.port}`, 'drain');
    for (let i = 0; i < 3; i += 1) {
      await openClient(t, relay.port);
      await two.next();
    }
    pass(600_000);
    await assertLives(staying.socket, served);
    pass(LATE_MS);
    assert.deepEqual(await staying.closed, DRAINED);
    served.socket.end();
    await until('the others alone are open', () => relay.relay.tunnels === 3);
  });

  test('keeps them for good where it is put back in time', async (t) => {
    const { relay, consoles, pass } = await stage(t, { tunnelLimits: { drainMs: 600_000 } });
    const name = `127.0.0.1:${consoles[0]!.port}`;
    const { socket } = await openClient(t, relay.port);
    const served = await consoles[0]!.next();
    setState(relay, name, 'drain');
    pass(590_000);
    setState(relay, name, 'ready');
    pass(HOUR - 600_000);
    await assertLives(socket, served);
  });

  test('closes them at once where it goes into maintenance', async (t) => {
    const { relay, consoles, pass } = await stage(t, { tunnelLimits: { drainMs: 600_000 } });
    const { closed } = await openClient(t, relay.port);
    setState(relay, `127.0.0.1:${consoles[0]!.port}`, 'drain');
    pass(LATE_MS);
    setState(relay, `127.0.0.1:${consoles[0]!.port}`, 'maint');
    pass(LATE_MS);
    assert.deepEqual(await closed, DRAINED);
  });
});

/** How many of 250 websockets are told of their end at once, and in each tick after that. */
async function endsByTick(
  t: TestContext,
  { relay, pass }: { relay: TestRelay; pass: (ms: number) => void },
  ticks: number,
  begin: () => void,
): Promise<number[]> {
  const opened: ReturnType<typeof openClient>[] = [];
  for (let i = 0; i < 250; i += 1) opened.push(openClient(t, relay.port));
  const clients = await Promise.all(opened);
  const bytes = () => relay.clients.map((client) => client.bytesWritten + unsentOn(client));
  const before = bytes();
  const told = () => bytes().filter((count, i) => count > before[i]!).length;
  begin();
  const counts = [0, told()];
  for (let i = 0; i < ticks; i += 1) {
    pass(STEP_MS);
    counts.push(told());
  }
  for (const { code } of await Promise.all(clients.map(({ closed }) => closed))) {
    assert.equal(code, 1001);
  }
  return counts.slice(1).map((count, i) => count - counts[i]!);
}

test('of many websockets that are drained none ends early, nor do all of them end together', async (t) => {
  const { relay, consoles, pass } = await stage(t, { tunnelLimits: { drainMs: 5_000 } });
  const ends = await endsByTick(t, { relay, pass }, 63, () =>
    setState(relay, `127.0.0.1:${consoles[0]!.port}`, 'drain'),
  );
  assert.deepEqual(ends.slice(0, 50), Array(50).fill(0));
  assert.equal(
    ends.reduce((sum, n) => sum + n),
    250,
  );
  assert.ok(Math.max(...ends) <= 150, `${ends.slice(50)}`);
});

test('when the relay retires, its websockets end one after the other, within the given time', async (t) => {
  const { relay, pass } = await stage(t);
  const ends = await endsByTick(t, { relay, pass }, 5, () => relay.relay.retire(200));
  assert.equal(
    ends.reduce((sum, n) => sum + n),
    250,
  );
  assert.ok(Math.max(...ends) <= 150, `${ends}`);
});

test('a websocket whose handshake was under way when the relay retired is closed too', async (t) => {
  const { relay, consoles } = await stage(t);
  const answer = consoles[0]!.hold();
  const socket = new WebSocket(`ws://127.0.0.1:${relay.port}/?token=t`);
  t.after(() => socket.terminate());
  const closed = new Promise((resolve) => {
    socket.onclose = ({ code, wasClean }) => resolve({ code, wasClean });
  });
  await consoles[0]!.next();
  relay.relay.retire(0);
  answer();
  assert.deepEqual(await closed, { code: 1001, wasClean: true });
});

test('closing the gateway tells its websockets 1001, and they close cleanly', async (t) => {
  const backend = await startWebSocketBackend(t, 'one');
  const gateway = await startTestGateway(t, {
    PORTAL_BACKENDS: backend.url,
    CONSOLE_LISTEN: '127.0.0.1:0',
    CONSOLE_BACKENDS: backend.url,
  });
  const { socket } = await openWebSocket(t, gateway.addresses.console!.port);
  const closed = new Promise((resolve) => {
    socket.onclose = ({ code, reason, wasClean }) => resolve({ code, reason, wasClean });
  });
  await gateway.close();
  const reason = 'the gateway is shutting down';
  assert.deepEqual(await closed, { code: 1001, reason, wasClean: true });
});

test('24 hours of silence do not end a websocket whose TUNNEL_TIMEOUT is longer, and then it is told', async (t) => {
  const { relay, consoles, pass } = await stage(t, { timeouts: { tunnelMs: 24 * HOUR + 60_000 } });
  const { socket, closed } = await openClient(t, relay.port);
  const served = await consoles[0]!.next();
  pass(24 * HOUR);
  await assertLives(socket, served);
  pass(24 * HOUR + 59_000);
  assert.equal(socket.readyState, 1);
  pass(2_000);
  assert.deepEqual(await closed, {
    code: 1001,
    reason: 'the console was idle for too long',
    wasClean: true,
  });
  served.socket.end();
  await until('both sides are closed', () => relay.closed.length === 1);
  assert.equal(relay.closed[0]?.code, 1001);
});

test('what TLS had yet to send when a byte passed does not double the time of silence', async (t) => {
  const folder = temporaryFolder(t);
  const tls = contextsOf(await issue(folder, 'console', { names: ['127.0.0.1'] }));
  const { relay, consoles, pass } = await stage(t, { tls, timeouts: { tunnelMs: HOUR } });
  const { socket, closed } = await openClient(t, relay.port, 'wss');
  const served = await consoles[0]!.next();
  await assertLives(socket, served);
  pass(HOUR - 1_000);
  assert.equal(socket.readyState, 1);
  pass(2_000);
  assert.equal((await closed).code, 1001);
});

test('a byte in an hour keeps a websocket for 24 hours with the default TUNNEL_TIMEOUT', async (t) => {
  const { relay, consoles, pass } = await stage(t);
  const { socket } = await openClient(t, relay.port);
  const served = await consoles[0]!.next();
  for (let hour = 0; hour < 24; hour += 1) {
    pass(HOUR - 1_000);
    await assertLives(socket, served);
  }
});

test('a websocket that may not last longer is closed with 1008, however busy it is', async (t) => {
  const tunnelLimits = { drainMs: 600_000, durationMs: 8 * HOUR };
  const { relay, consoles, pass } = await stage(t, { tunnelLimits });
  const { socket, closed } = await openClient(t, relay.port);
  const served = await consoles[0]!.next();
  for (let hour = 0; hour < 8; hour += 1) {
    await assertLives(socket, served);
    pass(HOUR - 100);
  }
  await assertLives(socket, served);
  pass(LATE_MS + 800);
  assert.deepEqual(await closed, {
    code: 1008,
    reason: 'a console may not last any longer',
    wasClean: true,
  });
});

describe('pings', () => {
  const tunnelLimits = { drainMs: 600_000, pingMs: 30_000 };
  const timeouts = { tunnelMs: 60_000 };

  test('keep an idle websocket whose client answers, and its backend gets a pong it may ignore', async (t) => {
    const { relay, consoles, pass } = await stage(t, { tunnelLimits, timeouts });
    const { socket } = await openClient(t, relay.port);
    let pings = 0;
    socket.on('ping', () => {
      pings += 1;
    });
    const served = await consoles[0]!.next();
    for (let i = 1; i <= 10; i += 1) {
      pass(30_500);
      await until('the pong has come', () => served.bytes.length === i * 6);
    }
    assert.equal(pings, 10);
    const { frames } = readFrames(served.bytes);
    assert.deepEqual(
      new Set(frames.map(({ opcode, payload }) => `${opcode} ${payload.length}`)),
      new Set(['10 0']),
    );
    await assertLives(socket, served);
  });

  test('end a websocket whose client does not answer, without waiting for TCP', async (t) => {
    const { relay, consoles, pass } = await stage(t, { tunnelLimits });
    const { client, console } = await openRawTunnel(t, relay.port, consoles[0]!);
    pass(30_500);
    assert.deepEqual(readFrames(await client.has(2)).frames[0]?.opcode, 9);
    pass(30_500);
    await console.all();
    console.socket.end();
    await until('nothing is held', () => relay.relay.tunnels === 0);
  });

  test('are not counted while the backend takes nothing, as their answers are not read then', async (t) => {
    const patient = { serverMs: 600_000 };
    const { relay, consoles, pass } = await stage(t, { tunnelLimits, timeouts: patient });
    const { client, console } = await openRawTunnel(t, relay.port, consoles[0]!);
    console.socket.pause();
    client.write(binary(20_000_000));
    await until('the client is held up', async () => {
      const { received } = relay.relay.viewTunnels(1)[0]!;
      await delay(200);
      const isStill = relay.relay.viewTunnels(1)[0]!.received === received;
      return isStill && relay.clients[0]!.isPaused();
    });
    // It would answer, behind more than the backend takes.
    pass(30_500);
    pass(30_500);
    pass(500);
    await delay(100);
    assert.ok(!relay.clients[0]!.destroyed, 'it is not taken for dead');
  });

  test('are not put into a frame, and nobody is taken for dead that was not asked', async (t) => {
    const { relay, consoles, pass } = await stage(t, { tunnelLimits });
    const { client, console } = await openRawTunnel(t, relay.port, consoles[0]!);
    const large = binary(60_000);
    console.write(large.subarray(0, 40_000));
    await client.has(40_000);
    for (let i = 0; i < 4; i += 1) pass(30_500);
    console.write(large.subarray(40_000));
    assert.ok((await client.has(large.length)).equals(large));
    while (client.bytes.length === large.length) {
      pass(1_000);
      await delay(5);
    }
    assert.equal(readFrames(client.bytes).frames[1]?.opcode, 9);
    client.write(frame({ opcode: 10, payload: Buffer.alloc(0), masked: true }));
    await console.has(6);
    pass(30_500);
    assert.equal(relay.relay.tunnels, 1);
  });
});

test('a client that has gone is not waited with for a backend that stands still', async (t) => {
  const { relay, consoles, pass } = await stage(t);
  const { client, console } = await openRawTunnel(t, relay.port, consoles[0]!);
  client.socket.end();
  // It is told, and neither ends its side nor says anything.
  await once(console.socket, 'end');
  pass(59_000);
  console.write(binary(10));
  await client.has(12);
  pass(59_000);
  assert.equal(relay.relay.tunnels, 1);
  pass(1_000 + LATE_MS);
  await until('nothing is held', () => relay.relay.tunnels === 0);
});
