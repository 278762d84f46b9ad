import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to a server that can be cut, as a network is: silently, and with what was under way lost. */
export interface CutProxy {
  readonly address: string;
  /** From now on nothing passes, and nothing is refused either. */
  cut(): void;
  /** New connections pass again; those of before stay dead. */
  mend(): void;
}

/** Starts a proxy on loopback to a server there. It ends with the test whose context is `t`. */
export async function startCutProxy(
  t: { after(hook: () => unknown): void },
  port: number,
): Promise<CutProxy> {
  let isCut = false;
  const sockets = new Set<Socket>();
  const own = (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    return socket;
  };
  const server = createServer({ noDelay: true }, (downstream) => {
    own(downstream);
    if (isCut) return void downstream.pause();
    const upstream = own(connect({ host: '127.0.0.1', port, noDelay: true }));
    downstream.pipe(upstream).pipe(downstream);
    downstream.on('close', () => upstream.destroy());
    upstream.on('close', () => downstream.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut() {
      isCut = true;
      for (const socket of sockets) {
        socket.unpipe();
        socket.pause();
      }
    },
    mend() {
      isCut = false;
    },
  };
}
