import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { CertificateFiles } from '../../src/demo/certificate.ts';
import { freePorts } from './free-port.ts';

/** A backend that the test plays, and what reached it. */
export interface TestBackend {
  readonly url: string;
  readonly port: number;
  readonly server: Server;
  /** Requests but health checks, in order. */
  readonly requests: readonly IncomingMessage[];
  /** Stops listening and cuts every connection, as a killed process would. */
  kill(): Promise<void>;
  /** Listens again on the same port. */
  revive(): Promise<void>;
}

/**
 * Starts a backend; `/health` answers 200 by itself, all else goes to `handler`. With a certificate
 * it speaks https.
 */
export async function startBackend(
  t: TestContext,
  handler: RequestListener = (_req, res) => void res.end('ok'),
  certificate?: CertificateFiles,
): Promise<TestBackend> {
  const requests: IncomingMessage[] = [];
  const sockets = new Set<Socket>();
  const serve: RequestListener = (req, res) => {
    if (req.url === '/health') {
      res.end('well');
      return;
    }
    requests.push(req);
    handler(req, res);
  };
  const server = certificate ? createTlsServer(pemOf(certificate), serve) : createServer(serve);
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const listen = (port: number) =>
    new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const kill = () =>
    new Promise<void>((resolve) => {
      if (!server.listening) return resolve();
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  const [port] = (await freePorts(1)) as [number];
  await listen(port);
  t.after(kill);
  return {
    url: `${certificate ? 'https' : 'http'}://127.0.0.1:${port}`,
    port,
    server,
    requests,
    kill,
    revive: () => listen(port),
  };
}

/** The contents of certificate files, as servers take them. */
export function pemOf({ cert, key }: CertificateFiles): { cert: Buffer; key: Buffer } {
  return { cert: readFileSync(cert), key: readFileSync(key) };
}
