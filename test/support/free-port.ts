import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';

/** Below where the kernel takes ports for outgoing connections (ip_local_port_range: 32768 on). */
const FIRST = 12_000;
const LAST = 32_000;
/** Of this process: who has one may listen on it later, and be away from it for a while. */
const given = new Set<number>();

/**
 * Ports that are free, all different; of 127.0.0.1 unless told. No outgoing connection can take one
 * before somebody listens on it, nor while a server that is to come back there is gone.
 */
export async function freePorts(count: number, host = '127.0.0.1'): Promise<number[]> {
  const held: Server[] = [];
  for (let tries = 0; held.length < count; tries += 1) {
    if (tries > 1_000) throw new Error(`no free ports between ${FIRST} and ${LAST} on ${host}`);
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (given.has(port)) continue;
    const server = createServer().listen(port, host);
    await once(server, 'listening').then(
      () => held.push(server),
      () => {}, // taken: try another
    );
  }
  const ports = held.map((server) => (server.address() as AddressInfo).port);
  for (const port of ports) given.add(port);
  await Promise.all(held.map((server) => once(server.close(), 'close')));
  return ports;
}
