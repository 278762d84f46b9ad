import { once } from 'node:events';
import http from 'node:http';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Program } from './program.ts';

const READY_DEADLINE_MS = 60_000;
const PROBE_INTERVAL_MS = 50;
const PROBE_TIMEOUT_MS = 20_000;

/** Resolves once the program listens on a port; throws if it ends before or needs over 60 s. */
export async function untilListening(program: Program, port: number): Promise<void> {
  await untilReady(program, async () => {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
    } finally {
      socket.destroy();
    }
  });
}

/** Resolves once a URL of the program answers 200; throws if it ends before or needs over 60 s. */
export async function untilAnswering(program: Program, url: string): Promise<void> {
  await untilReady(program, async () => {
    const request = http.get(url, { agent: false, timeout: PROBE_TIMEOUT_MS });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
    answer.resume();
    if (answer.statusCode !== 200) throw new Error(`${url} answers ${answer.statusCode}`);
  });
}

/**
 * The result of a probe that is tried again until it no longer throws; throws if the program ends
 * before that or needs over 60 s.
 */
export async function untilReady<T>(program: Program, probe: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + READY_DEADLINE_MS;
  for (;;) {
    try {
      return await probe();
    } catch (error) {
      if (!program.running) throw await program.failure('ended before it was ready', error);
      if (performance.now() > deadline) throw await program.failure('was not ready in time', error);
    }
    await delay(PROBE_INTERVAL_MS);
  }
}
