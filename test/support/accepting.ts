import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { CertificateFiles } from '../../src/demo/certificate.ts';
import { bindSockets } from '../../src/listener/bound-socket.ts';

/** What a process that accepts is told. */
export interface Order {
  readonly fds: readonly number[];
  /** For a listener with TLS. */
  readonly certificate?: CertificateFiles | undefined;
}

const WORKER = new URL('accepting-worker.ts', import.meta.url).pathname;
/** Behind standard streams and the channel. */
const FIRST_FD = 4;

/** A process that accepts, and stands still so that what connects meanwhile waits for it. */
export interface Accepting {
  readonly port: number;
  /** Of each connection that was accepted: how many turns of the event loop there were since the first. */
  readonly turns: readonly number[];
  /** A connection that waits in its queue. */
  connect(localAddress: string): Promise<Socket>;
  /** Has the process go on. */
  go(): void;
}

/** Starts a process that has the same listening socket so many times, and halts it. */
export async function startAccepting(
  t: TestContext,
  times: number,
  certificate?: CertificateFiles,
): Promise<Accepting> {
  const [socket] = await bindSockets('TEST', { host: '127.0.0.1', port: 0 }, 1);
  t.after(() => socket!.close());
  const order: Order = { fds: Array.from({ length: times }, (_, i) => FIRST_FD + i), certificate };
  const fds = order.fds.map(() => socket!.fd);
  const child = fork(WORKER, [JSON.stringify(order)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...fds],
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child, 'message');
  const turns: number[] = [];
  child.on('message', (turn) => turns.push(Number(turn)));
  child.kill('SIGSTOP');
  const { port } = socket!.address;
  return {
    port,
    turns,
    connect: async (localAddress) => {
      const client = connect({ host: '127.0.0.1', port, localAddress });
      client.on('error', () => {});
      t.after(() => client.destroy());
      await once(client, 'connect');
      return client;
    },
    go: () => void child.kill('SIGCONT'),
  };
}
