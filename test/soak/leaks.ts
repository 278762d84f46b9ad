import { subscribe } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';

/** What can be done wrong on purpose in the gateway, to see the soak find it. */
export const LEAKS = ['memory', 'sockets', 'listeners'] as const;

const KEPT_BYTES = 8_192;
const ONE_OF = 100;

/** Makes the process leak with each connection that it accepts. */
export function plantLeak(kind: string): void {
  const kept: unknown[] = [];
  let accepted = 0;
  subscribe('net.server.socket', (message) => {
    const { socket } = message as { socket: Socket };
    accepted += 1;
    if (kind === 'memory') kept.push(new Array(KEPT_BYTES / 8).fill(accepted));
    if (kind === 'sockets' && accepted % ONE_OF === 0) {
      socket.destroy = () => socket;
      kept.push(socket);
    }
    if (kind === 'listeners' && accepted === ONE_OF) {
      const emitter = new EventEmitter();
      for (let i = 0; i < 11; i++) emitter.on('event', () => {});
    }
  });
}
