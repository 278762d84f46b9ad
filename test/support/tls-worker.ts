/**
 * A listener in a process of its own, as a worker has it: started with the paths of a certificate
 * and its key and with a secret for its tickets; sends the port that it listens on.
 */
import type { AddressInfo } from 'node:net';
import { pairUpAll, readCertificates, readKeys } from '../../src/listener/key-pairs.ts';
import { Listener } from '../../src/listener/listener.ts';
import { TlsContexts } from '../../src/listener/tls-contexts.ts';

const [cert = '', key = '', ticketSecret = ''] = process.argv.slice(2);
const { server } = new Listener({
  tls: new TlsContexts(pairUpAll(readCertificates(cert), readKeys(key)), {
    ticketSecret,
  }),
  handshakeTimeoutMs: 10_000,
  proxyTimeoutMs: 10_000,
  onConnection: (socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  },
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.once('disconnect', () => process.exit());
