import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

export interface Tap {
  readonly port: number;
  /** From now on connections are taken and left alone. */
  close(): void;
  /** Connections that were. */
  readonly held: number;
}

/** A way to another port of this host. */
export async function startTap(t: TestContext, port: number): Promise<Tap> {
  let open = true;
  let held = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    if (!open) {
      held += 1;
      return;
    }
    const far = connect(port, '127.0.0.1').on('error', () => {});
    sockets.add(far);
    socket.pipe(far).pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      open = false;
    },
    get held() {
      return held;
    },
  };
}
