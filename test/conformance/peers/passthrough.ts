import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { TestedProxy } from './proxy.ts';

/** No proxy at all: bytes pass as they are. What it passes, the table does not ask for. */
export const passthrough: Pick<TestedProxy, 'start'> = {
  async start(backendPort, onStop) {
    const sockets = new Set<Socket>();
    const server = createServer((client) => {
      const upstream = connect(backendPort, '127.0.0.1');
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        sockets.add(from);
        from.on('error', () => {});
        from.on('close', () => to.destroySoon());
        from.pipe(to);
      }
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    onStop(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    return { port: (server.address() as AddressInfo).port, tls: false };
  },
};
