import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';

/** A request that the admin listener of a test got. */
export interface AdminCall {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Answers with a status and JSON, or text as it is. */
export type AdminAnswerer = (call: AdminCall) => readonly [number, unknown] | undefined;

/** Plays an admin listener; where there is no answer, it is silent. */
export async function startAdminServer(
  t: TestContext,
  answer: AdminAnswerer,
): Promise<{ readonly url: string; readonly port: number; readonly calls: readonly AdminCall[] }> {
  const calls: AdminCall[] = [];
  const serve = async (req: IncomingMessage, res: ServerResponse) => {
    const { method = '', url: path = '', headers } = req;
    const call = { method, path, headers, body: await text(req) };
    calls.push(call);
    const [status, told] = answer(call) ?? [];
    if (status === undefined) return;
    res.writeHead(status, { location: '/elsewhere' });
    res.end(typeof told === 'string' ? told : JSON.stringify(told));
  };
  const server = createServer((req, res) => void serve(req, res));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port, calls };
}
