/**
 * A worker: a process that serves clients, or the dashboards' cache, for a supervisor, which tells it
 * everything that it has to know. Started by `worker-process.ts` with its listening sockets.
 */
import type { SendHandle } from 'node:child_process';
import { configFrom } from '../config.ts';
import { messageOf } from '../errors.ts';
import { createLogger } from '../log.ts';
import { ignoreDebugSignal } from '../process-privacy.ts';
import { CacheWorker } from './cache-worker.ts';
import { Mailbox } from './mailbox.ts';
import { RelayWorker } from './relay-worker.ts';
import { type FromWorker, PROTOCOL, type ToWorker } from './worker-messages.ts';

type Start = Extract<ToWorker, { type: 'start' }>;

const supervisor = new Mailbox<FromWorker>(process);
let worker: RelayWorker | CacheWorker | undefined;

ignoreDebugSignal();
// Whoever sends these to a whole group means the supervisor, which says what is to happen.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'] as const) {
  process.on(signal, () => {});
}
process.on('message', (message, handle) => void obey(message as ToWorker, handle as SendHandle));
// Nobody looks after the backends any more, nor after this process: what is open may end as in a reload.
process.once('disconnect', () => void end(worker?.drain()));

async function obey(message: ToWorker, handle: SendHandle): Promise<void> {
  switch (message.type) {
    case 'start':
      start(message);
      break;
    case 'snapshot':
      if (worker instanceof RelayWorker) worker.apply(message.snapshot);
      break;
    case 'totals':
      if (worker instanceof RelayWorker) worker.learn(message.totals);
      break;
    case 'move':
      if (worker instanceof CacheWorker) worker.moveTo(message.nodes);
      break;
    case 'open':
      try {
        if (worker instanceof RelayWorker) await worker.open(message.name, handle);
      } catch (error) {
        fail(error);
      }
      break;
    case 'accept':
      try {
        await worker?.accept();
        supervisor.send({ type: 'accepting' });
      } catch (error) {
        fail(error);
      }
      break;
    case 'drain':
      await end(worker?.drain());
      break;
    case 'stop':
      await end(worker?.stop());
      break;
    case 'report':
      worker?.report();
      break;
    case 'tunnels':
      if (worker instanceof RelayWorker) worker.tellTunnels(message.most);
      break;
    case 'endTunnel':
      if (worker instanceof RelayWorker) worker.endTunnel(message.id);
      break;
    case 'ping':
      supervisor.send({ type: 'pong' });
      break;
  }
}

function start({ protocol, source, task }: Start): void {
  try {
    if (protocol !== PROTOCOL) {
      throw new Error(
        'the code has been replaced by that of another version; replace the supervisor, too (SIGUSR2)',
      );
    }
    const config = configFrom(source);
    const logger = createLogger(config.LOG_LEVEL, { shared: true });
    worker =
      task.kind === 'relay'
        ? new RelayWorker(config, task, supervisor, logger)
        : new CacheWorker(config, task, supervisor, logger);
    supervisor.send({ type: 'ready' });
  } catch (error) {
    fail(error);
  }
}

function fail(error: unknown): void {
  supervisor.send({ type: 'failed', detail: messageOf(error) }, () => process.exit(1));
}

async function end(ended: Promise<void> | undefined): Promise<void> {
  await ended;
  process.exit(0);
}
