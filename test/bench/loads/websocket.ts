import type { TLSSocket } from 'node:tls';
import { maskedFrame, plainFrame } from '../origin/frames.ts';
import { Meter } from './meter.ts';
import { Tunnels } from './tunnels.ts';
import type { Session } from './workload.ts';

const PAYLOAD = Buffer.alloc(64, 'websocket echo ');
const SENT = maskedFrame(PAYLOAD, Buffer.from([0x37, 0xfa, 0x21, 0x3d]));
const EXPECTED = plainFrame(PAYLOAD);
const GRACE_MS = 10_000;

/** Frames of 64 bytes that come back, one at a time on each of `count` tunnels. */
export async function websocketSession(port: number, count: number): Promise<Session> {
  const tunnels = await Tunnels.open(port, count);
  return {
    run: async (seconds) => {
      const meter = new Meter(seconds);
      await Promise.all(tunnels.sockets.map((socket) => echo(socket, meter, seconds * 1_000)));
      return meter.outcome();
    },
    close: () => tunnels.close(),
  };
}

/** Sends and waits in turn until the meter is over, the tunnel ends, or too long after. */
function echo(socket: TLSSocket, meter: Meter, durationMs: number): Promise<void> {
  return new Promise((resolve) => {
    let started = performance.now();
    let rest: Buffer = Buffer.alloc(0);
    const stop = (failure?: string) => {
      clearTimeout(overdue);
      socket.off('data', receive);
      socket.off('close', closed);
      if (failure) meter.failed(failure);
      resolve();
    };
    const closed = () => stop('a tunnel was closed');
    const overdue = setTimeout(() => stop('no echo within 10 s'), durationMs + GRACE_MS);
    const receive = (chunk: Buffer) => {
      rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
      if (rest.length < EXPECTED.length) return;
      if (!rest.equals(EXPECTED)) {
        stop(`wrong echo of ${rest.length} bytes`);
        return;
      }
      rest = rest.subarray(rest.length);
      meter.done(started);
      if (meter.over) {
        stop();
        return;
      }
      started = performance.now();
      socket.write(SENT);
    };
    socket.on('data', receive);
    socket.once('close', closed);
    if (socket.closed) closed();
    else socket.write(SENT);
  });
}
