import type { Socket } from 'node:net';
import { SendQueue } from '../../src/relay/send-queue.ts';

// A relay tells nobody what waits to be sent, and Node does not know: it is the relay's to keep.
const queues = new WeakMap<Socket, SendQueue>();
const { write } = SendQueue.prototype;
SendQueue.prototype.write = function (this: SendQueue, ...what): void {
  queues.set(this.socket, this);
  write.apply(this, what);
};

/** How many bytes a relay has yet to send on this end of a connection of its own. */
export function unsentOn(socket: Socket): number {
  return queues.get(socket)?.length ?? 0;
}
