import { BlockList, isIP } from 'node:net';

/**
 * Addresses and CIDR ranges as a list that can be asked.
 * @throws Error for an entry that is neither.
 */
export function parseNetworks(entries: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of entries) {
    const [address = '', prefix, ...rest] = entry.split('/');
    const version = isIP(address);
    const bits = version === 6 ? 128 : 32;
    const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
    if (version === 0 || length < 0 || length > bits || rest.length > 0) {
      throw new Error(`has "${entry}", which is no IP address or range such as 10.0.0.0/8`);
    }
    list.addSubnet(address, length, version === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}

/** Whether an address lies in one of the networks. */
export function trusts(networks: BlockList, address: string): boolean {
  return networks.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

const LOOPBACK = parseNetworks(['127.0.0.0/8', '::1']);

/** Whether a host is this one alone; `localhost` is that wherever it is asked for (RFC 6761 §6.3). */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || (isIP(host) !== 0 && trusts(LOOPBACK, host));
}

/** Without the zone of a link-local address, and IPv4 as such where a dual-stack socket maps it. */
export function plainAddress(address = ''): string {
  const [plain = ''] = address.split('%', 1);
  return plain.startsWith('::ffff:') && plain.includes('.') ? plain.slice(7) : plain;
}
