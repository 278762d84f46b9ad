import { createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

export interface ScriptedServer {
  readonly port: number;
  readonly url: string;
  /** Sockets that are open now. */
  readonly sockets: ReadonlySet<Socket>;
  /** How many connections it was made. */
  readonly accepted: () => number;
}

/** A TCP server whose every connection is what the test makes of it. It ends with the test. */
export async function startScriptedServer(
  t: TestContext,
  onConnection: (socket: Socket) => void,
): Promise<ScriptedServer> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  return { port, url: `http://127.0.0.1:${port}`, sockets, accepted: () => accepted };
}
