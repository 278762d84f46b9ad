import { once } from 'node:events';
import { WebSocket } from 'ws';
import { messageOf } from '../../src/errors.ts';
import { openTls } from '../support/tls-client.ts';
import type { Tally } from './tally.ts';

const LANES = 32;
const FRAMES = 3;
const DEADLINE_MS = 20_000;

/** Ways in which a tunnel ends; `server` ones are asked of the origin by a text frame. */
const ENDINGS = ['client close', 'client reset', 'server close', 'server reset'] as const;

/** Opens and ends `count` tunnels, some side by side; each echoes a few frames before. */
export async function runTunnels(
  port: number,
  count: number,
  random: () => number,
  tally: Tally,
): Promise<void> {
  let left = count;
  const lane = async () => {
    while (left > 0) {
      left -= 1;
      const ending = ENDINGS[Math.floor(random() * ENDINGS.length)]!;
      try {
        await runTunnel(port, ending, random);
        tally.done(ending);
      } catch (error) {
        tally.failed(`${ending}: ${messageOf(error)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

async function runTunnel(
  port: number,
  ending: (typeof ENDINGS)[number],
  random: () => number,
): Promise<void> {
  const { tcp, tls } = openTls(port);
  // As few as leave nothing behind, and as many as it takes to meet every backend.
  const token = `soak-${Math.floor(random() * 16)}`;
  const websocket = new WebSocket(`wss://127.0.0.1:${port}/websockify?token=${token}`, {
    createConnection: () => tls,
    perMessageDeflate: false,
  });
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const closed = new Promise<void>((resolve) => websocket.once('close', () => resolve()));
  try {
    await once(websocket, 'open', { signal });
    websocket.on('error', () => {});
    for (let i = 0; i < FRAMES; i++) {
      const frame = Buffer.alloc(1 + Math.floor(random() * 4_000), i);
      websocket.send(frame);
      const [echo] = (await once(websocket, 'message', { signal })) as [Buffer];
      if (!frame.equals(echo)) throw new Error(`${frame.length} bytes came back changed`);
    }
    if (ending === 'client close') websocket.close();
    else if (ending === 'client reset') tcp.resetAndDestroy();
    else websocket.send(ending === 'server close' ? 'close' : 'reset');
    await Promise.race([closed, once(signal, 'abort').then(() => Promise.reject(signal.reason))]);
  } finally {
    websocket.on('error', () => {});
    websocket.terminate();
  }
}
