import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Meter } from '../loads/meter.ts';
import type { Session } from '../loads/workload.ts';

/** The values have so many bytes. */
const VALUE_BYTES = 1_024;
const GRACE_MS = 5_000;

export type Verb = 'get' | 'set';

interface Command {
  readonly sent: Buffer;
  readonly answer: Buffer;
}

/**
 * Gets or sets of 1 KiB on so many connections, one at a time on each, as the clients of Django do
 * it; a key for each connection, and no answer but the right one counts.
 */
export async function commandSession(
  port: number,
  verb: Verb,
  connections: number,
): Promise<Session> {
  const lanes = await Promise.all(
    Array.from({ length: connections }, (_, i) => lane(port, verb, i)),
  );
  return {
    run: async (seconds) => {
      const meter = new Meter(seconds);
      await Promise.all(
        lanes.map(({ socket, command }) => repeat(socket, command, meter, seconds * 1_000)),
      );
      return meter.outcome();
    },
    close: async () => {
      for (const { socket } of lanes) socket.destroy();
    },
  };
}

/** Resolves when what is stored through a port comes back as it was; rejects otherwise. */
export async function verifyStore(port: number): Promise<void> {
  for (const verb of ['set', 'get'] as const) {
    const session = await commandSession(port, verb, 1);
    const { failures } = await session.run(0);
    await session.close();
    if (failures.length > 0) throw new Error(failures.join(', '));
  }
}

async function lane(port: number, verb: Verb, index: number) {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  await once(socket, 'connect');
  socket.on('error', () => {});
  const key = `bench:1:lane${index}`;
  const value = `${index} `.padEnd(VALUE_BYTES, 'value ');
  const store = {
    sent: Buffer.from(`set ${key} 1 600 ${VALUE_BYTES}\r\n${value}\r\n`),
    answer: Buffer.from('STORED\r\n'),
  };
  const retrieval = {
    sent: Buffer.from(`get ${key}\r\n`),
    answer: Buffer.from(`VALUE ${key} 1 ${VALUE_BYTES}\r\n${value}\r\nEND\r\n`),
  };
  const first = new Meter(0);
  await repeat(socket, store, first, 0);
  const { failures } = first.outcome();
  if (failures.length > 0) throw new Error(`the first set failed: ${failures.join(', ')}`);
  return { socket, command: verb === 'set' ? store : retrieval };
}

/** Sends and waits in turn, once at least, until the meter is over or something goes wrong. */
function repeat(
  socket: Socket,
  { sent, answer }: Command,
  meter: Meter,
  durationMs: number,
): Promise<void> {
  return new Promise((resolve) => {
    let started = performance.now();
    let received: Buffer = Buffer.alloc(0);
    const stop = (failure?: string) => {
      clearTimeout(overdue);
      socket.off('data', take).off('close', closed);
      if (failure) meter.failed(failure);
      resolve();
    };
    const closed = () => stop('the connection was closed');
    const overdue = setTimeout(() => stop('no answer within 5 s'), durationMs + GRACE_MS);
    const take = (chunk: Buffer) => {
      received = received.length > 0 ? Buffer.concat([received, chunk]) : chunk;
      if (received.length < answer.length && received[0] === answer[0]) return;
      if (!received.equals(answer)) {
        stop(`a wrong answer: ${received.toString('latin1').slice(0, 100)}`);
        return;
      }
      received = received.subarray(received.length);
      meter.done(started);
      if (meter.over) {
        stop();
        return;
      }
      started = performance.now();
      socket.write(sent);
    };
    socket.on('data', take).once('close', closed);
    if (socket.closed) closed();
    else socket.write(sent);
  });
}
