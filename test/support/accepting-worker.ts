/**
 * A listener in a process of its own that accepts from each of the sockets that it is started with, as a
 * worker does; its argument is an order. Sends `listening`, and for each connection that is accepted how
 * many turns of the event loop there were since the first.
 */
import { pairUpAll, readCertificates, readKeys } from '../../src/listener/key-pairs.ts';
import { Listener } from '../../src/listener/listener.ts';
import { TlsContexts } from '../../src/listener/tls-contexts.ts';
import type { Order } from './accepting.ts';

const { fds, certificate } = JSON.parse(process.argv[2]!) as Order;
const listener = new Listener({
  tls:
    certificate &&
    new TlsContexts(pairUpAll(readCertificates(certificate.cert), readKeys(certificate.key))),
  handshakeTimeoutMs: 10_000,
  proxyTimeoutMs: 10_000,
  onConnection: (socket) => void socket.on('error', () => {}).resume(),
});
let turns = -1;
const turn = () => {
  turns += 1;
  setImmediate(turn);
};
const servers = [listener.server, ...fds.slice(1).map(() => listener.addServer())];
const bound = servers.map((server, i) => {
  server.on('connection', () => {
    if (turns < 0) turn();
    process.send?.(turns);
  });
  return new Promise<void>((resolve) => server.listen({ fd: fds[i]! }, resolve));
});
void Promise.all(bound).then(() => process.send?.('listening'));
process.once('disconnect', () => process.exit());
