import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { connect, createSecureContext } from 'node:tls';

/** The first message of a TLS handshake as OpenSSL sends it; good for any number of connections. */
export async function clientHello(): Promise<Buffer> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const secureContext = createSecureContext({ ecdhCurve: 'X25519' });
  const client = connect({ host: '127.0.0.1', port, secureContext, ALPNProtocols: ['http/1.1'] });
  client.on('error', () => {});
  const [accepted] = (await once(server, 'connection')) as [Socket];
  const [hello] = (await once(accepted, 'data')) as [Buffer];
  client.destroy();
  accepted.destroy();
  server.close();
  return hello;
}
