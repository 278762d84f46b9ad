import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { TestContext } from 'node:test';
import type { CertificateFiles } from '../../src/demo/certificate.ts';
import { pairUpAll, readCertificates, readKeys } from '../../src/listener/key-pairs.ts';
import { Listener, type ListenerOptions, type Refusal } from '../../src/listener/listener.ts';
import { TlsContexts } from '../../src/listener/tls-contexts.ts';

/** TLS contexts of certificates, in their order. */
export function contextsOf(...files: CertificateFiles[]): TlsContexts {
  return new TlsContexts(
    pairUpAll(
      readCertificates(files.map(({ cert }) => cert).join()),
      readKeys(files.map(({ key }) => key).join()),
    ),
  );
}

export interface TestListener {
  readonly port: number;
  readonly listener: Listener;
  readonly refusals: readonly Refusal[];
}

/** A listener that echoes unless told otherwise; it stops with the test. */
export async function startListener(
  t: TestContext,
  tls: TlsContexts | undefined,
  options: Partial<ListenerOptions> = {},
): Promise<TestListener> {
  const refusals: Refusal[] = [];
  const listener = new Listener({
    tls,
    handshakeTimeoutMs: 10_000,
    proxyTimeoutMs: 10_000,
    onRefused: (refusal) => refusals.push(refusal),
    onConnection: (socket) => {
      socket.on('error', () => {});
      socket.pipe(socket);
    },
    ...options,
  });
  listener.server.listen(0, '127.0.0.1');
  await once(listener.server, 'listening');
  t.after(() => {
    listener.destroy();
    return listener.close();
  });
  return { port: (listener.server.address() as AddressInfo).port, listener, refusals };
}

/** A stream over `socket` whose writes `write` does; what comes is passed on as it is. */
export function writingBy(
  socket: Socket,
  write: (chunk: Buffer, done: () => void) => void,
): Duplex {
  const stream = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _encoding, done) => write(chunk, done),
    final: (done) => void socket.end(done),
  });
  socket.on('data', (chunk) => stream.push(chunk)).on('end', () => stream.push(null));
  return stream;
}

/** Resolves when a socket is closed, whether by an error or not. */
export function closed(socket: Socket): Promise<void> {
  socket.on('error', () => {});
  socket.resume();
  return new Promise((resolve) => void socket.once('close', () => resolve()));
}
