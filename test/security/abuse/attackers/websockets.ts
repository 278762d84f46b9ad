import type { TLSSocket } from 'node:tls';
import { maskedFrame } from '../../../bench/origin/frames.ts';
import type { Attacker } from './order.ts';
import { get } from './wire.ts';

const FRAMES = 20;
const EVERY_MS = 1_000;
const HANDSHAKE = get(
  '/websockify?token=abuse',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: ZGFzaGdhdGUtYWJ1c2UtMQ==',
  'Origin: https://abuse.example',
);

/** Opens consoles, and leaves it at that. */
export function idleWebsockets(attacker: Attacker): void {
  for (let n = 0; n < attacker.order.connections; n += 1) {
    open(attacker, n, () => attacker.did());
  }
}

/** Opens consoles and sends one byte a frame, many frames in one piece. */
export function tinyFrames(attacker: Attacker): void {
  const frame = maskedFrame(Buffer.from('x'), Buffer.from([1, 2, 3, 4]));
  const frames = Buffer.concat(Array<Buffer>(FRAMES).fill(frame));
  const sockets = new Map<number, TLSSocket>();
  for (let n = 0; n < attacker.order.connections; n += 1) {
    open(attacker, n, (socket) => sockets.set(n, socket));
  }
  attacker.repeat(EVERY_MS, async (lane) => {
    const socket = sockets.get(lane);
    if (!socket?.writable || socket.writableNeedDrain) return;
    socket.write(frames);
    attacker.did(FRAMES);
  });
}

function open(attacker: Attacker, n: number, opened: (socket: TLSSocket) => void): void {
  const socket = attacker.tls(n, attacker.order.console);
  socket.once('data', (answer: Buffer) => {
    if (answer.toString('latin1').startsWith('HTTP/1.1 101 ')) opened(socket);
    else attacker.fault(`no websocket: ${answer.toString('latin1').split('\r\n', 1)}`);
  });
  socket.resume();
  socket.write(HANDSHAKE);
}
