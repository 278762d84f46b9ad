import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Environment } from '../config.ts';
import type { Logger } from '../log.ts';
import type { PartEnvironment, PartKind, PartReady } from './part.ts';

/** How long a part may take to listen, in ms. */
const START_MS = 30_000;
/** How long a part that died stays away, in ms: long enough to be seen on the status page. */
const RESTART_MS = 3_000;
/** How long a part may take to stop before it is killed, in ms. */
const STOP_MS = 3_000;

const MAIN = new URL('../main.ts', import.meta.url).pathname;

/** A program that belongs to the demo. */
export interface Running {
  /** host:port. */
  readonly address: string;
  stop(): Promise<void>;
}

/**
 * Runs a mock dashboard or console as a process of its own, and again on the same port whenever it
 * dies. It ends with this process, however this one ends.
 */
export async function runPartProcess(
  kind: PartKind,
  env: Partial<PartEnvironment> & Environment,
  logger: Logger,
): Promise<Running> {
  let stopping = false;
  let restart: NodeJS.Timeout | undefined;
  let child = launch();
  const { port } = await ready(child);
  const address = `127.0.0.1:${port}`;

  function launch(listen = '127.0.0.1:0'): ChildProcess {
    // A group of its own: Ctrl-C is for the demo, which then stops its parts in order.
    const started = fork(MAIN, [kind], {
      detached: true,
      env: { LOG_LEVEL: 'warn', ...env, DEMO_LISTEN: listen },
    });
    started.once('exit', (code, signal) => {
      if (stopping) return;
      logger.warn({ part: env.DEMO_NAME, code, signal }, 'part of the demo died; it comes back');
      restart = setTimeout(() => {
        child = launch(address);
      }, RESTART_MS);
    });
    return started;
  }

  return {
    address,
    stop: () => {
      stopping = true;
      clearTimeout(restart);
      return end(child);
    },
  };
}

async function ready(child: ChildProcess): Promise<PartReady> {
  const exited = once(child, 'exit').then(([code]) => {
    throw new Error(`a part of the demo ended with code ${code} before it was ready`);
  });
  const message = once(child, 'message', { signal: AbortSignal.timeout(START_MS) });
  const [told] = await Promise.race([message, exited]);
  return told as PartReady;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  const deadline = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  child.kill('SIGTERM');
  await exited;
  clearTimeout(deadline);
}
