import { readFileSync } from 'node:fs';
import { BYSTANDER_ADDRESS } from './bystander.ts';

const LISTEN = '0A';
/** Where the proxies listen. The other ends, at other addresses, may have any of their ports as well. */
const PROXY = hexOf('127.0.0.1');
const BYSTANDER = hexOf(BYSTANDER_ADDRESS);

/**
 * How many connections to these ports of this host a process still holds, those of the other user left
 * out (proc_net(5)): what only the kernel still sends or takes belongs to no process.
 */
export function abusiveConnections(ports: readonly number[]): number {
  const ends = new Set(ports.map((port) => port.toString(16).toUpperCase().padStart(4, '0')));
  let held = 0;
  for (const line of readFileSync('/proc/net/tcp', 'latin1').split('\n')) {
    const [, local, remote, state, , , , , , inode] = line.trim().split(/\s+/);
    if (!local?.startsWith(PROXY) || !ends.has(local.slice(-4)) || state === LISTEN) continue;
    if (inode === '0' || remote?.startsWith(BYSTANDER)) continue;
    held += 1;
  }
  return held;
}

/** An IPv4 address as the kernel writes it there, in the order of bytes of this machine's processor. */
function hexOf(address: string): string {
  const bytes = address.split('.').map(Number);
  return Buffer.from(bytes.reverse()).toString('hex').toUpperCase();
}
